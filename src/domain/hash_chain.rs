//! The hash chain of the audit log and the digests that tie leads to it.
//!
//! A row's hash is SHA-256 over the previous row's hash (32 zero bytes before the first row) and
//! the row's columns, each encoded as `00` for NULL, or `01`, the length in bytes as a 32-bit
//! big-endian number, and the UTF-8 text (whole numbers in decimal). The encoding leaves no two
//! ways to read the same bytes, so no character can move from one column to the next unseen.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 hash; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Sha256Hash([u8; 32]);

/// What each lower-case hexadecimal digit is worth; 255 for all other bytes.
const VALUES: [u8; 256] = {
    let (mut values, mut digit) = ([255; 256], 0);
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

impl Sha256Hash {
    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: impl AsRef<[u8]>) -> Option<Self> {
        let digits: &[u8; 64] = text.as_ref().try_into().ok()?;
        let (mut bytes, mut seen) = ([0; 32], 0);
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
            seen |= high | low;
            *byte = high << 4 | (low & 15);
        }
        if seen > 15 {
            return None;
        }
        Some(Self(bytes))
    }

    /// The hash of a whole file or message.
    #[must_use]
    pub fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A row's place in the audit log and its hash, as `SEQ:HASH`. Kept elsewhere, it proves later
/// that nothing up to that row was rewritten or cut off.
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

/// An audit row's columns as stored, less its hash; their text as `str`, or as the bytes that
/// someone may have put there.
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
        columns.hash()
    }
}

/// A lead's columns as stored, in the order of its digest; their text as `str`, or as bytes.
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
    /// SHA-256 over the salt and the columns. The salt is erased with the lead; what is left in
    /// the audit log then tells nothing about anyone.
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
        columns.hash()
    }
}

/// CanonicalEncoder in their unambiguous encoding, hashed in one go: a large log is proved twice as fast as
/// piece by piece.
struct CanonicalEncoder(Vec<u8>);

impl CanonicalEncoder {
    /// More than most rows have.
    const USUAL: usize = 1024;

    fn with_prefix(first: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(Self::USUAL);
        bytes.extend_from_slice(first);
        Self(bytes)
    }

    fn text<T: AsRef<[u8]> + ?Sized>(&mut self, column: Option<&T>) {
        let Some(bytes) = column.map(AsRef::as_ref) else {
            return self.0.push(0);
        };
        // No column comes near 4 GiB: SQLite's own limit is 1 GB.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.push(1);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, column: Option<i64>) {
        let Some(number) = column else {
            return self.0.push(0);
        };
        // A sign and the 19 digits of the largest number.
        let (mut digits, mut at, mut rest) = ([0; 20], 20, number.unsigned_abs());
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        self.text(Some(&digits[at..]));
    }

    fn hash(&self) -> Sha256Hash {
        Sha256Hash(Sha256::digest(&self.0).into())
    }
}
