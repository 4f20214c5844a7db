//! Running the command.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run of the command left.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    fn of(output: &Output) -> Self {
        Outcome {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Standard output of a run that must succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "standard error: {}", self.err);
        self.out
    }

    /// The run must fail with `code`, and its message must hold every one of `parts`.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in the message: {}", self.err);
        }
    }
}

fn command<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ffhec"));
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs `ffhec` with these arguments in the repository root.
pub(crate) fn ffhec<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Outcome {
    Outcome::of(&command(args).output().unwrap())
}

/// The bytes that a run which must succeed makes of the bytes on its standard input.
pub(crate) fn pipe(args: &[&str], input: &[u8]) -> Vec<u8> {
    let output = output_with_stdin(args, input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Like [`ffhec`], with text on standard input.
pub(crate) fn ffhec_with_stdin(args: &[&str], input: &[u8]) -> Outcome {
    Outcome::of(&output_with_stdin(args, input))
}

fn output_with_stdin(args: &[&str], input: &[u8]) -> Output {
    let mut child =
        command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The repository root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The `.ffl` files below a folder, sorted.
pub(crate) fn programs(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ffl"))
        .collect();
    found.sort();
    found
}
