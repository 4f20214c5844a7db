//! The file that programs, keys and ciphertexts travel in.
//!
//! ```text
//! 8 bytes   magic
//! 4 bytes   format version
//! 4 bytes   length of the header that follows, its checksum included
//!           header: kind (2), preset (2 + n), flags (1), key id (16, if flag 1), signature (32, if flag 2),
//!           number of sections (2), then for each its name (1 + n), length (8) and BLAKE3 checksum (32)
//! 32 bytes  BLAKE3 of everything before
//!           the sections' bytes, in order, nothing between them and nothing after
//! ```
//!
//! Numbers are little-endian. Opening a file reads the header only; each section is read by itself and checked as it
//! is read, so that a reader of one section never touches the others.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use thiserror::Error;

/// First bytes of every file. Not text, and damaged by transfers that rewrite line ends.
const MAGIC: [u8; 8] = *b"\x89FFHEC\r\n";

/// The format version that this crate writes, and the only one it reads.
pub const FORMAT_VERSION: u32 = 2;

/// Bytes before the header proper.
const PREFIX: u64 = 16;

/// Longest header proper that is read: room for ten thousand sections.
const MAX_HEADER: u32 = 1 << 20;

const HASH: usize = blake3::OUT_LEN;

/// Whether these first bytes of a file are those of this project's files.
pub fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A compiled program (`.ffc`).
    Program,
    /// A secret key.
    SecretKey,
    /// A public key: for encryption and for evaluation.
    PublicKey,
    /// Ciphertexts.
    Ciphertext,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Program, Kind::SecretKey, Kind::PublicKey, Kind::Ciphertext];

    const fn code(self) -> u16 {
        match self {
            Kind::Program => 1,
            Kind::SecretKey => 2,
            Kind::PublicKey => 3,
            Kind::Ciphertext => 4,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Program => "compiled program",
            Kind::SecretKey => "secret key",
            Kind::PublicKey => "public key",
            Kind::Ciphertext => "ciphertext",
        })
    }
}

/// Identifies a key pair: both keys and every ciphertext made with them carry it.
pub type KeyId = [u8; 16];

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the file is.
    pub kind: Kind,
    /// The parameter set.
    pub preset: String,
    /// The key pair, for keys and ciphertexts.
    pub key_id: Option<KeyId>,
    /// The hash of the ports that the contents belong to, for programs and ciphertexts.
    pub signature: Option<[u8; 32]>,
}

/// One section, as the header lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The section's name.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// BLAKE3 of its bytes.
    pub checksum: [u8; HASH],
    /// Where it begins in the file.
    pub offset: u64,
}

/// Why a file cannot be read or written. Says nothing of the file's name, which only the caller knows.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// Reading or writing failed.
    #[error("input or output failed: {0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// The first bytes are not those of an ffhec file.
    #[error("this is not an ffhec file (it does not begin with the ffhec signature)")]
    NotFfhec,
    /// Another format version.
    #[error(
        "the file has format version {found}, this ffhec reads version {FORMAT_VERSION}; make the file again"
    )]
    OtherVersion {
        /// The version found.
        found: u32,
    },
    /// The file is shorter than it says it is.
    #[error("the file is truncated: it has {has} bytes, but should have {needs}; copy or make it again")]
    Truncated {
        /// Its length.
        has: u64,
        /// The length that its beginning announces.
        needs: u64,
    },
    /// The file is longer than it says it is.
    #[error("the file has {has} bytes, but should end after {needs}; copy or make it again")]
    Trailing {
        /// Its length.
        has: u64,
        /// The length that its header announces.
        needs: u64,
    },
    /// The header is longer than any real one.
    #[error("the header claims {length} bytes, more than the {MAX_HEADER} allowed; the file is damaged")]
    HeaderTooLong {
        /// Its announced length.
        length: u32,
    },
    /// The header does not match its checksum.
    #[error("the header's checksum does not match; the file is damaged, copy or make it again")]
    HeaderChecksum,
    /// The header's checksum matches, but its contents make no sense.
    #[error("the header is malformed: {0}")]
    Malformed(&'static str),
    /// A kind of file that this version does not know.
    #[error("the file is of an unknown kind ({code}); a newer ffhec may have made it")]
    UnknownKind {
        /// The kind's code.
        code: u16,
    },
    /// A file of another kind than needed.
    #[error("this is a {found} file, but a {expected} file is needed")]
    WrongKind {
        /// What it is.
        found: Kind,
        /// What was needed.
        expected: Kind,
    },
    /// A section that the file does not have.
    #[error("the file has no section \"{name}\" (it has: {present})")]
    NoSection {
        /// The section.
        name: String,
        /// Those that it has.
        present: String,
    },
    /// A section does not match its checksum.
    #[error(
        "the checksum of section \"{section}\" does not match; the file is damaged, copy or make it again"
    )]
    SectionChecksum {
        /// The section.
        section: String,
    },
    /// To be written: a name too long, a section twice, or a source that gives different bytes each time.
    #[error("the file cannot be written: {0}")]
    Unwritable(&'static str),
}

/// The contents of a section to be written. Asked twice, first for the checksum, then for the file; gives the same
/// bytes both times.
pub trait Contents {
    /// Writes all bytes of the section.
    ///
    /// # Errors
    /// If `out` fails.
    fn write_to(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl<T: AsRef<[u8]>> Contents for T {
    fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.as_ref())
    }
}

/// A section that a function writes, for contents too large to be held as bytes.
pub struct WriteWith<F>(pub F);

impl<F: Fn(&mut dyn Write) -> io::Result<()>> Contents for WriteWith<F> {
    fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0(out)
    }
}

/// Writes a whole file.
///
/// # Errors
/// If `out` fails, a name is too long, or two sections have one name.
pub fn write_container(
    header: &Header,
    sections: &[(&str, &dyn Contents)],
    out: &mut dyn Write,
) -> Result<(), ContainerError> {
    let mut table = Vec::with_capacity(sections.len());
    for (name, contents) in sections {
        let mut sink = Hashing::new(io::sink());
        contents.write_to(&mut sink)?;
        if table.iter().any(|(other, _, _)| other == name) {
            return Err(ContainerError::Unwritable("two sections have the same name"));
        }
        table.push((*name, sink.length, sink.checksum()));
    }
    out.write_all(&encode_header(header, &table)?)?;
    for ((_, contents), (_, length, checksum)) in sections.iter().zip(table) {
        let mut pass = Hashing::new(&mut *out);
        contents.write_to(&mut pass)?;
        if pass.length != length || pass.checksum() != checksum {
            return Err(ContainerError::Unwritable("a section's contents changed while it was written"));
        }
    }
    Ok(())
}

fn encode_header(header: &Header, table: &[(&str, u64, [u8; HASH])]) -> Result<Vec<u8>, ContainerError> {
    let mut body = header.kind.code().to_le_bytes().to_vec();
    let long = |_| ContainerError::Unwritable("a name or table is too long for the header");
    body.extend(u16::try_from(header.preset.len()).map_err(long)?.to_le_bytes());
    body.extend(header.preset.as_bytes());
    body.push(u8::from(header.key_id.is_some()) | u8::from(header.signature.is_some()) << 1);
    body.extend(header.key_id.iter().flatten());
    body.extend(header.signature.iter().flatten());
    body.extend(u16::try_from(table.len()).map_err(long)?.to_le_bytes());
    for (name, length, checksum) in table {
        body.push(u8::try_from(name.len()).map_err(long)?);
        body.extend(name.as_bytes());
        body.extend(length.to_le_bytes());
        body.extend(checksum);
    }
    let length = u32::try_from(body.len() + HASH).map_err(long)?;
    if length > MAX_HEADER {
        return Err(ContainerError::Unwritable("a name or table is too long for the header"));
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(body);
    let checksum = blake3::hash(&bytes);
    bytes.extend(checksum.as_bytes());
    Ok(bytes)
}

/// An open file: its header read and checked, its length right, its sections not yet read.
pub struct Container<R> {
    reader: R,
    header: Header,
    sections: Vec<Section>,
    length: u64,
}

impl<R: Read + Seek> Container<R> {
    /// Reads and checks the header, and the file's length against it.
    ///
    /// # Errors
    /// If the file is empty, no ffhec file, of another version, shorter or longer than its header says, or its
    /// header is damaged.
    pub fn open(mut reader: R) -> Result<Self, ContainerError> {
        let has = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        let (bytes, at) = read_header(&mut reader, has)?;
        let (header, sections) = decode_header(&bytes[PREFIX as usize..at as usize], at + HASH as u64)?;
        let end = sections.last().map_or(at + HASH as u64, |section| section.offset + section.length);
        match has.cmp(&end) {
            std::cmp::Ordering::Less => Err(ContainerError::Truncated { has, needs: end }),
            std::cmp::Ordering::Greater => Err(ContainerError::Trailing { has, needs: end }),
            std::cmp::Ordering::Equal => Ok(Container { reader, header, sections, length: has }),
        }
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The sections, in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Length of the file in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file is of the kind that is needed.
    ///
    /// # Errors
    /// If it is not: names both kinds.
    pub fn expect_kind(&self, expected: Kind) -> Result<(), ContainerError> {
        let found = self.header.kind;
        if found == expected { Ok(()) } else { Err(ContainerError::WrongKind { found, expected }) }
    }

    /// The bytes of one section, checked.
    ///
    /// # Errors
    /// If there is no such section, it cannot be read, or is damaged.
    pub fn section(&mut self, name: &str) -> Result<Vec<u8>, ContainerError> {
        let mut bytes = Vec::new();
        self.copy_section(name, &mut bytes)?;
        Ok(bytes)
    }

    /// Copies the bytes of one section to `out` and checks them. What `out` got is to be trusted only after success.
    ///
    /// # Errors
    /// As for [`Container::section`], or if `out` fails.
    pub fn copy_section(&mut self, name: &str, out: &mut dyn Write) -> Result<(), ContainerError> {
        let Some(section) = self.sections.iter().find(|section| section.name == name) else {
            let present: Vec<&str> = self.sections.iter().map(|section| section.name.as_str()).collect();
            return Err(ContainerError::NoSection { name: name.to_owned(), present: present.join(", ") });
        };
        self.reader.seek(SeekFrom::Start(section.offset))?;
        let mut pass = Hashing::new(out);
        io::copy(&mut self.reader.by_ref().take(section.length), &mut pass)?;
        if pass.length != section.length || pass.checksum() != section.checksum {
            return Err(ContainerError::SectionChecksum { section: name.to_owned() });
        }
        Ok(())
    }

    /// Reads every section and checks it.
    ///
    /// # Errors
    /// The first section that cannot be read or is damaged.
    pub fn check_whole(&mut self) -> Result<(), ContainerError> {
        let names: Vec<String> = self.sections.iter().map(|section| section.name.clone()).collect();
        names.iter().try_for_each(|name| self.copy_section(name, &mut io::sink()))
    }
}

/// The header's bytes, magic and checksum included, and where the checksum begins.
fn read_header(reader: &mut impl Read, has: u64) -> Result<(Vec<u8>, u64), ContainerError> {
    if has == 0 {
        return Err(ContainerError::Empty);
    }
    let mut bytes = Vec::new();
    reader.take(PREFIX).read_to_end(&mut bytes)?;
    if bytes.iter().zip(MAGIC).any(|(found, magic)| *found != magic) {
        return Err(ContainerError::NotFfhec);
    }
    if bytes.len() < PREFIX as usize {
        return Err(ContainerError::Truncated { has, needs: PREFIX });
    }
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (found, length) = (number(8), number(12));
    if found != FORMAT_VERSION {
        return Err(ContainerError::OtherVersion { found });
    }
    if length > MAX_HEADER {
        return Err(ContainerError::HeaderTooLong { length });
    }
    let needs = PREFIX + u64::from(length);
    if has < needs {
        return Err(ContainerError::Truncated { has, needs });
    }
    reader.take(length.into()).read_to_end(&mut bytes)?;
    let at = (bytes.len() as u64).checked_sub(HASH as u64).filter(|&at| at >= PREFIX);
    let at = at.ok_or(ContainerError::HeaderChecksum)?;
    if blake3::hash(&bytes[..at as usize]).as_bytes() != &bytes[at as usize..] {
        return Err(ContainerError::HeaderChecksum);
    }
    Ok((bytes, at))
}

/// Header fields, from their bytes; `offset` is where the first section begins.
fn decode_header(bytes: &[u8], mut offset: u64) -> Result<(Header, Vec<Section>), ContainerError> {
    let mut fields = Fields(bytes);
    let code = u16::from_le_bytes(fields.array()?);
    let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
    let kind = kind.ok_or(ContainerError::UnknownKind { code })?;
    let preset = u16::from_le_bytes(fields.array()?);
    let preset = fields.text(preset.into())?;
    let [flags] = fields.array()?;
    if flags > 3 {
        return Err(ContainerError::Malformed("an unknown flag is set"));
    }
    let key_id = if flags & 1 != 0 { Some(fields.array()?) } else { None };
    let signature = if flags & 2 != 0 { Some(fields.array()?) } else { None };
    let mut sections: Vec<Section> = Vec::new();
    for _ in 0..u16::from_le_bytes(fields.array()?) {
        let [length] = fields.array()?;
        let name = fields.text(length.into())?;
        let (length, checksum) = (u64::from_le_bytes(fields.array()?), fields.array()?);
        if sections.iter().any(|section| section.name == name) {
            return Err(ContainerError::Malformed("a section is listed twice"));
        }
        sections.push(Section { name, length, checksum, offset });
        offset = offset.checked_add(length).ok_or(ContainerError::Malformed("the sections are too long"))?;
    }
    if !fields.0.is_empty() {
        return Err(ContainerError::Malformed("it is longer than its fields"));
    }
    Ok((Header { kind, preset, key_id, signature }, sections))
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ContainerError> {
        let (array, rest) = self
            .0
            .split_first_chunk()
            .ok_or(ContainerError::Malformed("it ends in the middle of a field"))?;
        self.0 = rest;
        Ok(*array)
    }

    fn text(&mut self, length: usize) -> Result<String, ContainerError> {
        let (text, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(ContainerError::Malformed("it ends in the middle of a field"))?;
        self.0 = rest;
        let text = std::str::from_utf8(text).map_err(|_| ContainerError::Malformed("a name is not UTF-8"))?;
        Ok(text.to_owned())
    }
}

/// Counts and hashes what passes through.
struct Hashing<W> {
    out: W,
    length: u64,
    hash: blake3::Hasher,
}

impl<W> Hashing<W> {
    fn new(out: W) -> Self {
        Hashing { out, length: 0, hash: blake3::Hasher::new() }
    }

    fn checksum(&self) -> [u8; HASH] {
        *self.hash.finalize().as_bytes()
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn header(kind: Kind) -> Header {
        Header { kind, preset: "toy".into(), key_id: Some([7; 16]), signature: None }
    }

    fn file() -> Vec<u8> {
        let big =
            WriteWith(|out: &mut dyn Write| (0..1000_u32).try_for_each(|n| out.write_all(&n.to_le_bytes())));
        let mut out = Vec::new();
        let sections: [(&str, &dyn Contents); 3] =
            [("encryption", b"abc"), ("evaluation", &big), ("none", b"")];
        write_container(&header(Kind::PublicKey), &sections, &mut out).unwrap();
        out
    }

    fn open(file: &[u8]) -> Result<Container<Cursor<&[u8]>>, ContainerError> {
        Container::open(Cursor::new(file))
    }

    #[test]
    fn what_is_written_is_read() {
        let file = file();
        let mut container = open(&file).unwrap();
        assert_eq!(container.header(), &header(Kind::PublicKey));
        assert_eq!(container.length(), file.len() as u64);
        assert_eq!(container.section("encryption").unwrap(), b"abc");
        assert_eq!(container.section("evaluation").unwrap()[4..8], 1_u32.to_le_bytes());
        assert_eq!(container.section("none").unwrap(), b"");
        container.check_whole().unwrap();
        let lengths: Vec<u64> = container.sections().iter().map(|section| section.length).collect();
        assert_eq!(lengths, [3, 4000, 0]);
    }

    #[test]
    fn every_failure_has_its_own_name() {
        let file = file();
        assert!(matches!(open(b""), Err(ContainerError::Empty)));
        assert!(matches!(open(b"id,age\n1,30\n"), Err(ContainerError::NotFfhec)));
        assert!(matches!(open(&file[..10]), Err(ContainerError::Truncated { has: 10, needs: 16 })));
        let short = open(&file[..file.len() - 1]).map(drop);
        let n = file.len() as u64;
        assert!(matches!(short, Err(ContainerError::Truncated { has, needs }) if has == n - 1 && needs == n));
        let long = [file.as_slice(), b"!"].concat();
        assert!(
            matches!(open(&long), Err(ContainerError::Trailing { has, needs }) if has == n + 1 && needs == n)
        );
        let mut other = file.clone();
        other[8] = 9;
        assert!(matches!(open(&other), Err(ContainerError::OtherVersion { found: 9 })));
        other[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        other[14] = 0xff;
        assert!(matches!(open(&other), Err(ContainerError::HeaderTooLong { .. })));
        let mut container = open(&file).unwrap();
        let kind = container.expect_kind(Kind::SecretKey).unwrap_err();
        assert_eq!(kind.to_string(), "this is a public key file, but a secret key file is needed");
        let absent = container.section("x").unwrap_err();
        assert_eq!(
            absent.to_string(),
            "the file has no section \"x\" (it has: encryption, evaluation, none)"
        );
        let twice: [(&str, &dyn Contents); 2] = [("a", b"1"), ("a", b"2")];
        let twice = write_container(&header(Kind::Program), &twice, &mut Vec::new());
        assert!(matches!(twice, Err(ContainerError::Unwritable(_))));
    }

    #[test]
    fn a_damaged_section_is_named_and_leaves_the_others_readable() {
        let mut file = file();
        let last = file.len() - 1;
        file[last] ^= 1;
        let mut container = open(&file).unwrap();
        assert_eq!(container.section("encryption").unwrap(), b"abc");
        let damaged = container.section("evaluation");
        assert!(
            matches!(damaged, Err(ContainerError::SectionChecksum { section }) if section == "evaluation")
        );
        assert!(container.check_whole().is_err());
    }

    /// Fails every read beyond a limit.
    struct Fenced(Cursor<Vec<u8>>, u64);

    impl Read for Fenced {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let end = self.1.saturating_sub(self.0.position()).min(bytes.len() as u64);
            if end == 0 && !bytes.is_empty() {
                return Err(io::Error::other("beyond the fence"));
            }
            self.0.read(&mut bytes[..end as usize])
        }
    }

    impl Seek for Fenced {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn reading_the_first_section_touches_no_other() {
        let file = file();
        let fence = open(&file).unwrap().sections()[1].offset;
        let mut container = Container::open(Fenced(Cursor::new(file), fence)).unwrap();
        assert_eq!(container.section("encryption").unwrap(), b"abc");
        assert!(matches!(container.section("evaluation"), Err(ContainerError::Io(_))));
    }

    proptest! {
        #[test]
        fn a_changed_byte_or_a_cut_is_noticed(at in any::<prop::sample::Index>(), change in 1_u8..=255) {
            let mut file = file();
            let at = at.index(file.len());
            prop_assert!(open(&file[..at]).is_err());
            file[at] ^= change;
            prop_assert!(open(&file).and_then(|mut container| container.check_whole()).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open(&bytes).is_err());
            let mut sealed = MAGIC.to_vec();
            sealed.extend(1_u32.to_le_bytes());
            sealed.extend((bytes.len() as u32 + 32).to_le_bytes());
            sealed.extend(&bytes);
            sealed.extend(*blake3::hash(&sealed).as_bytes());
            let _ = open(&sealed);
        }
    }
}
