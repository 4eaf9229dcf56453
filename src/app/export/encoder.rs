//! What turns rows into the bytes of a file, and hashes them on the way.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use crate::app::export::row::{ExportColumns, ExportRow};

/// Encodes rows in one format.
pub(crate) trait Encoder {
    fn header(&mut self, columns: &'static ExportColumns) -> io::Result<()>;
    fn row(&mut self, row: &ExportRow<'_>) -> io::Result<()>;
    /// Ends the file: without it, what was written is incomplete.
    fn end(&mut self) -> io::Result<()>;
    /// The hash of everything that was written so far.
    fn hasher(&self) -> Sha256;
}

/// Hashes what is written through it.
pub(crate) struct HashingWriter<W> {
    out: W,
    hasher: Sha256,
}

impl<W> HashingWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, hasher: Sha256::new() }
    }

    pub(crate) fn hasher(&self) -> Sha256 {
        self.hasher.clone()
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
