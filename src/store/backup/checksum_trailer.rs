//! The end mark of a backup: one line behind the database, which SQLite does not look at, with
//! the SHA-256 of all that comes before it. A file that was cut, or in which one bit is another,
//! also in a part that no row uses, does not match it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::hash_chain::Sha256Hash;
use crate::store::error::StoreError;

const MARK: &str = "\nFASTCore backup 1, SHA-256 of what comes before this line: ";
const DIGITS: usize = 64;
const LENGTH: usize = MARK.len() + DIGITS + 1;
const PIECE: usize = 256 * 1024;

/// A file with its end mark.
#[derive(Debug, Clone)]
pub(crate) struct ChecksumTrailer {
    /// Of the whole file, as `sha256sum` prints it.
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

/// Adds the end mark to a finished copy and flushes it.
pub(crate) fn append(
    path: &Path,
    file: &mut File,
    each: &mut dyn FnMut(u64),
) -> Result<ChecksumTrailer, StoreError> {
    let io = StoreError::at(path);
    file.rewind().map_err(io)?;
    let (mut hasher, length) = hash(path, &mut *file, &mut |_| Ok(()), each)?;
    let mark = format!("{MARK}{}\n", Sha256Hash::finish(hasher.clone()));
    file.seek(SeekFrom::End(0)).map_err(io)?;
    file.write_all(mark.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    hasher.update(mark.as_bytes());
    Ok(ChecksumTrailer {
        sha256: Sha256Hash::finish(hasher).to_string(),
        bytes: length + LENGTH as u64,
    })
}

/// Whether a file ends like a backup; not whether it is whole.
pub(crate) fn has_trailer(path: &Path) -> bool {
    File::open(path).and_then(|mut file| mark(&mut file)).is_ok_and(|mark| mark.is_some())
}

/// Gives what is before the end mark, piece by piece, and holds it against the mark on the way.
/// Returns the SHA-256 of the whole file.
///
/// # Errors
/// [`StoreError::NotWhole`]: nothing that was given may be used then. Those of `take`.
pub(crate) fn verify(
    path: &Path,
    take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    each: &mut dyn FnMut(u64),
) -> Result<String, StoreError> {
    let io = StoreError::at(path);
    let not_whole = |cause: &'static str| StoreError::NotWhole { path: path.into(), cause };
    let mut file = File::open(path).map_err(io)?;
    let Some((before, expected)) = mark(&mut file).map_err(io)? else {
        return Err(not_whole(
            "it has no end mark: it was cut short, or `backup create` did not make it",
        ));
    };
    file.rewind().map_err(io)?;
    let (mut hasher, length) = hash(path, &mut (&file).take(before), take, each)?;
    if length != before || Sha256Hash::parse(&expected) != Some(Sha256Hash::finish(hasher.clone()))
    {
        return Err(not_whole("it was altered: its content does not match its end mark"));
    }
    hasher.update(format!("{MARK}{expected}\n"));
    Ok(Sha256Hash::finish(hasher).to_string())
}

/// Where a file's end mark begins, and the digits in it.
fn mark(file: &mut File) -> io::Result<Option<(u64, String)>> {
    let Some(before) = file.metadata()?.len().checked_sub(LENGTH as u64) else {
        return Ok(None);
    };
    let mut mark = vec![0; LENGTH];
    file.seek(SeekFrom::Start(before))?;
    file.read_exact(&mut mark)?;
    let mark = String::from_utf8(mark).unwrap_or_default();
    let digits = mark.strip_prefix(MARK).and_then(|rest| rest.strip_suffix('\n'));
    Ok(digits.map(|digits| (before, digits.to_owned())))
}

fn hash(
    path: &Path,
    from: &mut dyn Read,
    take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    each: &mut dyn FnMut(u64),
) -> Result<(Sha256, u64), StoreError> {
    let (mut hasher, mut length) = (Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let n = match from.read(&mut piece) {
            Ok(0) => return Ok((hasher, length)),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(StoreError::at(path))?,
        };
        hasher.update(&piece[..n]);
        take(&piece[..n])?;
        length += n as u64;
        each(length);
    }
}
