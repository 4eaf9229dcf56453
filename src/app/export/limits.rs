//! What an export may use: not the last free space of the database's disk, and not any time.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::app::export::error::ExportError;
use crate::store::db::disk_usage;

/// The limits are checked every so many bytes.
const CHECK_BYTES: usize = 256 * 1024;

/// The limits of one export.
#[derive(Debug, Default)]
pub(crate) struct ExportLimits {
    /// The database, if the export writes to its disk.
    database: Option<PathBuf>,
    /// How much of that disk an export leaves free, in bytes.
    min_free: u64,
    deadline: Option<Instant>,
}

impl ExportLimits {
    /// For an export that writes to these files or folders.
    pub(crate) fn writing_to(database: &Path, disk_reserve: u64, places: &[&Path]) -> Self {
        let device = |path: &Path| fs::metadata(path).ok().map(|meta| meta.dev());
        let own = device(database);
        let shares_disk = own.is_some() && places.iter().any(|place| device(place) == own);
        let database = shares_disk.then(|| database.to_owned());
        // Twice the reserve: leads are stored on.
        Self { database, min_free: disk_reserve.saturating_mul(2), deadline: None }
    }

    pub(crate) fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Fails once the export must stop.
    pub(crate) fn check(&self) -> Result<(), ExportError> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(ExportError::TimedOut);
        }
        match &self.database {
            Some(database)
                if disk_usage::free_bytes(database).is_ok_and(|free| free < self.min_free) =>
            {
                Err(ExportError::DiskLimit(self.min_free))
            }
            _ => Ok(()),
        }
    }
}

/// Checks the limits of an export while it is written.
pub(crate) struct LimitedWriter<'l, W> {
    out: W,
    limits: &'l ExportLimits,
    unchecked: usize,
}

impl<'l, W> LimitedWriter<'l, W> {
    pub(crate) fn new(out: W, limits: &'l ExportLimits) -> Self {
        Self { out, limits, unchecked: 0 }
    }
}

impl<W: Write> Write for LimitedWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unchecked += bytes.len();
        if self.unchecked >= CHECK_BYTES {
            self.unchecked = 0;
            self.limits.check().map_err(io::Error::other)?;
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
