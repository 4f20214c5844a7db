//! Reading and writing, with `-` for the standard streams.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Whether `path` means a standard stream.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file or standard input, opened for reading. Devices, which may never end, are refused.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_dash(path) {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = fs::File::open(path).map_err(|error| Failure::reading(path, &error))?;
    if is_device(&file) {
        return Err(Failure::user(
            format!("{} is a device", path.display()),
            "name a file, or `-` for standard input",
        ));
    }
    Ok(Box::new(file))
}

#[cfg(unix)]
fn is_device(file: &fs::File) -> bool {
    use std::os::unix::fs::FileTypeExt;
    file.metadata().is_ok_and(|meta| meta.file_type().is_char_device() || meta.file_type().is_block_device())
}

#[cfg(not(unix))]
fn is_device(_: &fs::File) -> bool {
    false
}

/// The bytes of a file or of standard input.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match open(path)?.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::reading(path, &error)),
    }
}

/// Like [`read_bytes`], for a program: of a text no more is read than the compiler takes.
pub(crate) fn read_program(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut reader = open(path)?;
    let mut bytes = Vec::new();
    let most = ffhec_compiler::syntax::MAX_SOURCE_BYTES as u64 + 1;
    let mut result = reader.by_ref().take(most).read_to_end(&mut bytes);
    if result.is_ok() && ffhec_circuit::container::is_container(&bytes) {
        result = reader.read_to_end(&mut bytes);
    }
    match result {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::reading(path, &error)),
    }
}

/// The text of a file or of standard input.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    text_of(path, read_bytes(path)?)
}

/// `bytes`, read from `path`, as UTF-8 without a byte order mark.
pub(crate) fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::user(
            format!("{} is not UTF-8 text (byte {at} of the file)", path.display()),
            "save the file as UTF-8",
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Writes a result to a file or to standard output.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if is_dash(path) {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::writing(path, &error))
    } else {
        write_whole(path, bytes, Access::Shared)
    }
}

/// Who may read a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever the umask lets.
    Shared,
    /// The owner alone (0600).
    Owner,
}

/// Writes a file so that it is there whole or not at all: under a temporary name first, then renamed. Special files
/// (`/dev/null`, a pipe) are written in place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], access: Access) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::writing(path, &error);
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return fs::write(path, bytes).map_err(failed);
    }
    let temporary = temporary_name(path);
    let result = create(&temporary, access)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    result.map_err(|error| {
        // The failure to report is the first one; a leftover file is removed as far as possible.
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn create(path: &Path, access: Access) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if access == Access::Owner {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
        let _ = fs::remove_file(path);
    }
    options.open(path)
}
