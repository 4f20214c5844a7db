//! What can go wrong, as values: the message for the user and the exit code.

use std::path::Path;
use std::process::ExitCode;

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

    /// Prints the failure on standard error and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (message, help, code) = match self {
            Failure::Hangup => return ExitCode::SUCCESS,
            Failure::Diagnosed(text) => {
                eprint!("{text}");
                return ExitCode::from(1);
            }
            Failure::User { message, help } => (message, help, 1),
            Failure::Usage { message, help } => (message, help, 2),
            Failure::Machine { message, help } => (message, help, 3),
        };
        eprintln!("error: {message}\nhelp: {help}");
        ExitCode::from(code)
    }
}
