//! The checksum trailer of a backup: one line after the database, which SQLite does not read, with the
//! SHA-256 of everything before it. It shows that a file was cut short, or that a bit was changed, even in
//! a part that no row uses.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::hash_chain::Sha256Hash;
use crate::store::error::StoreError;

const PREFIX: &str = "\nFASTCore backup 1, SHA-256 of what comes before this line: ";
const HASH_LENGTH: usize = 64;
const TRAILER_LENGTH: usize = PREFIX.len() + HASH_LENGTH + 1;
const BUFFER_SIZE: usize = 256 * 1024;

/// A file with its trailer.
#[derive(Debug, Clone)]
pub(crate) struct ChecksumTrailer {
    /// Of the whole file, as `sha256sum` prints it.
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

/// Appends the trailer to a complete copy and flushes it.
pub(crate) fn append(
    path: &Path,
    file: &mut File,
    progress: &mut dyn FnMut(u64),
) -> Result<ChecksumTrailer, StoreError> {
    let io = StoreError::at(path);
    file.rewind().map_err(io)?;
    let (mut hasher, length) = hash(path, &mut *file, &mut |_| Ok(()), progress)?;
    let trailer = format!("{PREFIX}{}\n", Sha256Hash::finish(hasher.clone()));
    file.seek(SeekFrom::End(0)).map_err(io)?;
    file.write_all(trailer.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    hasher.update(trailer.as_bytes());
    Ok(ChecksumTrailer {
        sha256: Sha256Hash::finish(hasher).to_string(),
        bytes: length + TRAILER_LENGTH as u64,
    })
}

/// Whether a file ends with a trailer; not whether its content matches.
pub(crate) fn has_trailer(path: &Path) -> bool {
    File::open(path).and_then(|mut file| read(&mut file)).is_ok_and(|trailer| trailer.is_some())
}

/// Calls `take` with the content before the trailer, piece by piece, and compares it with the trailer.
/// Returns the SHA-256 of the whole file.
///
/// # Errors
/// [`StoreError::IncompleteBackup`]: nothing that was taken may be used then. Those of `take`.
pub(crate) fn verify(
    path: &Path,
    take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    progress: &mut dyn FnMut(u64),
) -> Result<String, StoreError> {
    let io = StoreError::at(path);
    let incomplete = |cause| StoreError::IncompleteBackup { path: path.into(), cause };
    let mut file = File::open(path).map_err(io)?;
    let Some((content_length, expected)) = read(&mut file).map_err(io)? else {
        return Err(incomplete(
            "it has no checksum trailer: it was cut short, or `backup create` did not make it",
        ));
    };
    file.rewind().map_err(io)?;
    let (mut hasher, length) = hash(path, &mut (&file).take(content_length), take, progress)?;
    let found = Sha256Hash::finish(hasher.clone());
    if length != content_length || Sha256Hash::parse(&expected) != Some(found) {
        return Err(incomplete("it was altered: its content does not match its checksum trailer"));
    }
    hasher.update(format!("{PREFIX}{expected}\n"));
    Ok(Sha256Hash::finish(hasher).to_string())
}

/// The length of the content before the trailer, and the hash in the trailer.
fn read(file: &mut File) -> io::Result<Option<(u64, String)>> {
    let Some(content_length) = file.metadata()?.len().checked_sub(TRAILER_LENGTH as u64) else {
        return Ok(None);
    };
    let mut trailer = vec![0; TRAILER_LENGTH];
    file.seek(SeekFrom::Start(content_length))?;
    file.read_exact(&mut trailer)?;
    let trailer = String::from_utf8(trailer).unwrap_or_default();
    let hash = trailer.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix('\n'));
    Ok(hash.map(|hash| (content_length, hash.to_owned())))
}

fn hash(
    path: &Path,
    from: &mut dyn Read,
    take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    progress: &mut dyn FnMut(u64),
) -> Result<(Sha256, u64), StoreError> {
    let (mut hasher, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok((hasher, length)),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(StoreError::at(path))?,
        };
        hasher.update(&buffer[..n]);
        take(&buffer[..n])?;
        length += n as u64;
        progress(length);
    }
}
