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

/// The bytes of a file or of standard input, of at most `most` bytes.
pub(crate) fn read_up_to(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match open(path)?.take(most as u64 + 1).read_to_end(&mut bytes) {
        Err(error) => Err(Failure::reading(path, &error)),
        Ok(_) if bytes.len() > most => Err(Failure::user(
            format!("{} has more than {most} bytes", path.display()),
            "split the file, or name the right one",
        )),
        Ok(_) => Ok(bytes),
    }
}

/// Like [`read_up_to`], for text.
pub(crate) fn read_text_up_to(path: &Path, most: usize) -> Result<String, Failure> {
    text_of(path, read_up_to(path, most)?)
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
    /// Whoever the umask lets, or whoever could read the file that is replaced.
    Shared,
    /// The owner alone (0600).
    Owner,
}

/// Writes a file so that it is there whole or not at all: under a temporary name first, then renamed. Special files
/// (`/dev/null`, a pipe) are written in place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], access: Access) -> Result<(), Failure> {
    Staged::write(path, bytes, access)?.publish()
}

/// A file written under a temporary name, not yet in its place.
pub(crate) struct Staged {
    place: PathBuf,
    /// `None` when it was written in place.
    temporary: Option<Temporary>,
}

impl Staged {
    /// Writes the bytes beside `path`.
    pub(crate) fn write(path: &Path, bytes: &[u8], access: Access) -> Result<Staged, Failure> {
        let failed = |error: std::io::Error| Failure::writing(path, &error);
        // A link is kept, and what it points to replaced.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let old = fs::metadata(&place).ok();
        if old.as_ref().is_some_and(|meta| !meta.is_file()) {
            if access == Access::Owner {
                return Err(Failure::user(
                    format!("{} is not a regular file", path.display()),
                    "a secret key goes into a file of its own",
                ));
            }
            fs::write(&place, bytes).map_err(failed)?;
            return Ok(Staged { place, temporary: None });
        }
        let temporary = match Temporary::create(&place, access) {
            // A file in a directory that is not ours can still be written in place.
            Err(error)
                if error.kind() == std::io::ErrorKind::PermissionDenied
                    && old.is_some()
                    && access == Access::Shared =>
            {
                fs::write(&place, bytes).map_err(failed)?;
                return Ok(Staged { place, temporary: None });
            }
            result => result.map_err(failed)?,
        };
        temporary.fill(bytes, old.filter(|_| access == Access::Shared)).map_err(failed)?;
        Ok(Staged { place, temporary: Some(temporary) })
    }

    /// Puts the file in its place.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        match &self.temporary {
            None => Ok(()),
            Some(temporary) => fs::rename(&temporary.path, &self.place)
                .map_err(|error| Failure::writing(&self.place, &error)),
        }
    }
}

/// A file with a temporary name; removed when dropped, unless it was renamed.
struct Temporary {
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been renamed; and a leftover is no reason to fail.
        let _ = fs::remove_file(&self.path);
    }
}

impl Temporary {
    fn create(place: &Path, access: Access) -> std::io::Result<Self> {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let path = place.with_file_name(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if access == Access::Owner {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        options.open(&path)?;
        Ok(Temporary { path })
    }

    fn fill(&self, bytes: &[u8], old: Option<fs::Metadata>) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).open(&self.path)?;
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes).and_then(|()| file.sync_all())
    }
}

/// Refuses to write over a file that the same command reads.
pub(crate) fn refuse_same(out: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let same = |other: &&&Path| match (fs::canonicalize(out), fs::canonicalize(other)) {
        (Ok(a), Ok(b)) => a == b && a.is_file(),
        _ => false,
    };
    match inputs.iter().find(same) {
        None => Ok(()),
        Some(_) => Err(Failure::user(
            format!("{} is an input of this command and would be overwritten", out.display()),
            "name another file for the result",
        )),
    }
}

/// Finds out before long work whether its result can be written.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&place) {
        _ if is_dash(path) => Ok(()),
        Ok(meta) if meta.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        // A pipe is opened once, when there is something to write.
        Ok(meta) if !meta.is_file() => Ok(()),
        Ok(_) => fs::OpenOptions::new().append(true).open(&place).map(drop),
        Err(_) => Temporary::create(&place, Access::Shared).map(drop),
    }
    .map_err(|error| Failure::writing(path, &error))
}
