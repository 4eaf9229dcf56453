//! How large the database is, and what room is left.

use std::fs;
use std::path::Path;

use rusqlite::OptionalExtension;

use super::error::StoreError;
use super::{Snapshot, audit, beside};
use crate::domain::audit::AuditRow;

/// Sizes in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub database: u64,
    pub wal: u64,
    /// Free for the service's user on the database's file system.
    pub free: u64,
}

impl Sizes {
    /// Asks the file system.
    ///
    /// # Errors
    /// It does not tell.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let fs = rustix::fs::statvfs(path).map_err(StoreError::at(path))?;
        Ok(Self {
            database: fs::metadata(path).map_err(StoreError::at(path))?.len(),
            wal: fs::metadata(beside(path, "-wal")).map_or(0, |meta| meta.len()),
            free: fs.f_bavail.saturating_mul(fs.f_frsize),
        })
    }
}

impl Snapshot<'_> {
    /// How many leads and audit rows there are.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn row_counts(&self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT (SELECT count(*) FROM lead_inbox), (SELECT count(*) FROM audit_log)";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// When the last lead came.
    ///
    /// # Errors
    /// The database's own.
    pub fn last_lead_at(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT created_at_utc FROM lead_inbox ORDER BY audit_seq DESC LIMIT 1";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    }

    /// The newest row of an event other than `LEAD_RECEIVED`.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_of(&self, event: &str) -> Result<Option<AuditRow>, StoreError> {
        let sql = format!(
            "{} WHERE event = ?1 AND event <> 'LEAD_RECEIVED' ORDER BY seq DESC LIMIT 1",
            audit::COLUMNS
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        Ok(statement.query_row([event], audit::row_to_audit).optional()?)
    }
}
