//! Source files and spans. The compiler reads no files: the driver hands it texts, and a [`Loader`] for `use`.

/// A byte range of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Which file of the [`Sources`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that holds both; both are of the same file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One source text with the name that diagnostics show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path as the user gave it, `<command line>`, or `std/math.ffl`.
    pub path: String,
    /// The text.
    pub text: String,
}

/// All texts of one compilation, numbered in the order they were loaded; number 0 is the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The files.
    pub files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and returns its number.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> u32 {
        self.files.push(SourceFile { path: path.into(), text: text.into() });
        u32::try_from(self.files.len() - 1).expect("bounded: far fewer than 2^32 files")
    }
}

/// Reads the user's own files for `use "path.ffl"` items.
pub trait Loader {
    /// The text of `path`, which stands in a `use` of the file `from`; the error is a sentence for the user.
    ///
    /// # Errors
    /// A sentence saying why the file cannot be read.
    fn load(&mut self, from: &str, path: &str) -> Result<SourceFile, String>;
}

/// A loader that has no files.
pub struct NoFiles;

impl Loader for NoFiles {
    fn load(&mut self, _from: &str, path: &str) -> Result<SourceFile, String> {
        Err(format!("there is no file {path} here"))
    }
}
