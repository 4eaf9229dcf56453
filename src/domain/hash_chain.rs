//! The hash chain of the audit log and the digests that tie leads to it.
//!
//! A row's hash is SHA-256 over the previous row's hash (32 zero bytes before the first row) and
//! the row's columns, each encoded as `00` for NULL, or `01`, the length in bytes as a 32-bit
//! big-endian number, and the UTF-8 text (whole numbers in decimal). The encoding is unambiguous: no
//! character can move from one column to the next without changing the hash.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 hash; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sha256Hash([u8; 32]);

impl Sha256Hash {
    /// Parses 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: impl AsRef<[u8]>) -> Option<Self> {
        let digits: &[u8; 64] = text.as_ref().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = digit_value(pair[0])? << 4 | digit_value(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The result of a hasher.
    #[must_use]
    pub fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

fn digit_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The target of the log lines with the head of the chain, which are logged at every level but ERROR.
pub const HEAD_LOG_TARGET: &str = "fastcore::audit_log_head";

/// A row's place in the audit log and its hash, as `SEQ:HASH`. Kept elsewhere, it shows later
/// whether anything up to that row was rewritten or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPosition {
    pub seq: i64,
    pub hash: Sha256Hash,
}

impl ChainPosition {
    /// Before the first row.
    pub const START: Self = Self { seq: 0, hash: Sha256Hash([0; 32]) };

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        let seq = seq.parse().ok().filter(|s| *s > 0)?;
        Some(Self { seq, hash: Sha256Hash::parse(hash)? })
    }
}

impl fmt::Display for ChainPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// The columns of an audit row that its hash covers. Their text is `str`, or the bytes that are
/// stored, which need not be UTF-8 in a database that was tampered with.
#[derive(Debug)]
pub struct ChainEntry<'a, T: ?Sized = str> {
    pub seq: i64,
    pub id: &'a T,
    pub created_at_utc: &'a T,
    pub event: &'a T,
    pub actor: Option<&'a T>,
    pub lead_id: Option<&'a T>,
    pub request_id: Option<&'a T>,
    pub status_code: Option<i64>,
    pub details_json: Option<&'a T>,
}

impl<T: AsRef<[u8]> + ?Sized> ChainEntry<'_, T> {
    /// The row's hash, given the hash of the row before it.
    #[must_use]
    pub fn hash(&self, previous: &Sha256Hash) -> Sha256Hash {
        let mut columns = CanonicalEncoder::with_prefix(&previous.0);
        columns.number(Some(self.seq));
        columns.text(Some(self.id));
        columns.text(Some(self.created_at_utc));
        columns.text(Some(self.event));
        columns.text(self.actor);
        columns.text(self.lead_id);
        columns.text(self.request_id);
        columns.number(self.status_code);
        columns.text(self.details_json);
        columns.finish()
    }
}

/// The columns of a lead that its digest covers, in that order. Their text is `str` or bytes, as in
/// [`ChainEntry`].
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
pub struct LeadDigestInput<'a, T: ?Sized = str> {
    pub salt: &'a [u8],
    pub id: &'a T,
    pub created_at_utc: &'a T,
    pub name: &'a T,
    pub email: &'a T,
    pub phone: Option<&'a T>,
    pub company: Option<&'a T>,
    pub service: Option<&'a T>,
    pub message: &'a T,
    pub consent: bool,
    pub source: &'a T,
    pub request_id: &'a T,
    pub ip_hash: &'a T,
    pub meta_json: Option<&'a T>,
}

impl<T: AsRef<[u8]> + ?Sized> LeadDigestInput<'_, T> {
    /// SHA-256 over the salt and the columns. The salt is erased with the lead: the digest that
    /// stays in the audit log cannot be traced to anyone then.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        let mut columns = CanonicalEncoder::with_prefix(self.salt);
        columns.text(Some(self.id));
        columns.text(Some(self.created_at_utc));
        columns.text(Some(self.name));
        columns.text(Some(self.email));
        columns.text(self.phone);
        columns.text(self.company);
        columns.text(self.service);
        columns.text(Some(self.message));
        columns.number(Some(i64::from(self.consent)));
        columns.text(Some(self.source));
        columns.text(Some(self.request_id));
        columns.text(Some(self.ip_hash));
        columns.text(self.meta_json);
        columns.finish()
    }
}

/// Hashes columns in the encoding that the module's documentation describes.
struct CanonicalEncoder(Sha256);

impl CanonicalEncoder {
    fn with_prefix(prefix: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(prefix))
    }

    fn text<T: AsRef<[u8]> + ?Sized>(&mut self, column: Option<&T>) {
        let Some(bytes) = column.map(AsRef::as_ref) else {
            return self.0.update([0]);
        };
        // No column comes near 4 GiB: SQLite's own limit is 1 GB.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.update([1]);
        self.0.update(length.to_be_bytes());
        self.0.update(bytes);
    }

    fn number(&mut self, column: Option<i64>) {
        self.text(column.map(|number| number.to_string()).as_deref());
    }

    fn finish(self) -> Sha256Hash {
        Sha256Hash::finish(self.0)
    }
}
