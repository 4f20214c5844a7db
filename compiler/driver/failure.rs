//! What can go wrong, as values: the message for the user and the exit code.

use std::path::Path;
use std::process::ExitCode;

use crate::progress;

/// Why the command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The program has errors; their rendering was made by the compiler.
    Diagnosed(String),
    /// The user's data, key or file is wrong. Exit code 1.
    User { message: String, help: String },
    /// The command line is wrong. Exit code 2.
    Usage { message: String, help: String },
    /// The machine failed us. Exit code 3.
    Machine { message: String, help: String },
    /// Whoever read our output went away; nothing to say.
    Hangup,
}

impl Failure {
    pub(crate) fn user(message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::User { message: message.into(), help: help.into() }
    }

    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::Usage { message: message.into(), help: help.into() }
    }

    pub(crate) fn machine(message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::Machine { message: message.into(), help: help.into() }
    }

    /// A file that cannot be read: the name is wrong (the user's), or the disk is.
    pub(crate) fn reading(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let message = format!("cannot read {}: {error}", path.display());
        if is_bad_name(error) {
            return Failure::user(message, "check the name of the file");
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "the standard library adds kinds")]
        match error.kind() {
            ErrorKind::NotFound => Failure::user(message, "check the name of the file"),
            ErrorKind::PermissionDenied => Failure::user(message, "check who may read the file"),
            ErrorKind::IsADirectory => Failure::user(message, "name a file, not a directory"),
            ErrorKind::InvalidData => Failure::user(message, "the file must be UTF-8 text"),
            _ => Failure::machine(message, "check the disk and try again"),
        }
    }

    /// A file that cannot be written.
    pub(crate) fn writing(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let message = format!("cannot write {}: {error}", path.display());
        if is_bad_name(error) {
            return Failure::user(message, "name another place");
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "the standard library adds kinds")]
        match error.kind() {
            ErrorKind::BrokenPipe => Failure::Hangup,
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                Failure::user(message, "create the directory first, or name another place")
            }
            ErrorKind::PermissionDenied => Failure::user(message, "name a place that you may write to"),
            ErrorKind::IsADirectory => Failure::user(message, "name a file, not a directory"),
            _ => Failure::machine(message, "check the space left on the disk"),
        }
    }

    /// What went wrong, in one line where it is not the compiler's rendering.
    pub(crate) fn message(&self) -> &str {
        match self {
            Failure::Diagnosed(message)
            | Failure::User { message, .. }
            | Failure::Usage { message, .. }
            | Failure::Machine { message, .. } => message,
            Failure::Hangup => "the reader went away",
        }
    }

    /// Prints the failure on standard error, if anybody listens, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (message, help, code) = match self {
            Failure::Hangup => return ExitCode::SUCCESS,
            Failure::Diagnosed(text) => {
                progress::tell(text.trim_end());
                return ExitCode::from(1);
            }
            Failure::User { message, help } => (message, help, 1),
            Failure::Usage { message, help } => (message, help, 2),
            Failure::Machine { message, help } => (message, help, 3),
        };
        progress::tell(&format!("error: {}\nhelp: {}", printable(message), printable(help)));
        ExitCode::from(code)
    }
}

/// Whether the file's name is at fault: too long, a loop of links, a file where a directory should be.
fn is_bad_name(error: &std::io::Error) -> bool {
    const LOOP_OF_LINKS: i32 = 40;
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists
    ) || cfg!(target_os = "linux") && error.raw_os_error() == Some(LOOP_OF_LINKS)
}

/// Text from files and tables, fit for a terminal: control characters are shown and not sent, endless lines are cut.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 600;
    let line = |line: &str| -> String {
        let mut shown: String = line
            .chars()
            .take(LONGEST)
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect();
        if line.chars().nth(LONGEST).is_some() {
            shown.push_str(" ...");
        }
        shown
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
