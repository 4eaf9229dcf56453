//! Reading: connections that cannot write, and the database as it was at one moment.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use super::error::StoreError;
use super::lead::Known;
use super::privacy::{Found, Whose};
use super::{audit, lead, migrate, open, privacy, search};
use crate::domain::audit::AuditRow;
use crate::domain::chain::Receipt;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::Lead;

/// Readers at once; a read is short, so few are enough.
pub const READERS: u32 = 4;

/// Read-only connections, opened when they are needed.
#[derive(Debug, Clone)]
pub struct Readers(r2d2::Pool<SqliteConnectionManager>);

impl Readers {
    /// Readers of a database whose schema is this binary's.
    ///
    /// # Errors
    /// The database is not there, not ours, or of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let first = open::read_only(path)?;
        migrate::check_current(&first, path)?;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(open::reader_flags())
            .with_init(|conn| open::init_reader(conn));
        let pool = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(5))
            .build_unchecked(manager);
        Ok(Self(pool))
    }

    /// Runs several reads on one snapshot.
    ///
    /// # Errors
    /// The database's own.
    pub fn snapshot<T>(
        &self,
        read: impl FnOnce(&Snapshot<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let conn = self.0.get().map_err(|e| StoreError::Io(e.to_string()))?;
        let transaction = conn.unchecked_transaction()?;
        read(&Snapshot(&transaction))
    }
}

/// The database as it was at one moment.
#[expect(missing_debug_implementations, reason = "lives for one read")]
pub struct Snapshot<'c>(pub(super) &'c Connection);

impl Snapshot<'_> {
    /// A lead by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn lead(&self, id: &str) -> Result<Option<Lead>, StoreError> {
        lead::find(self.0, id)
    }

    /// Whether a `request_id` is stored, or was.
    ///
    /// # Errors
    /// The database's own.
    pub fn known(&self, request_id: &str) -> Result<Known, StoreError> {
        lead::known(self.0, request_id)
    }

    /// How many audit rows the index that leads are found by has yet to follow.
    ///
    /// # Errors
    /// The database's own.
    pub fn search_behind(&self) -> Result<i64, StoreError> {
        search::behind(self.0)
    }

    /// Gives every lead that the filter finds, in the order of their arrival, until `take` breaks
    /// off.
    ///
    /// # Errors
    /// The database's own.
    pub fn leads(
        &self,
        filter: &LeadFilter,
        take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        lead::for_each(self.0, filter, take)
    }

    /// Gives every audit row of a period, oldest first, until `take` breaks off.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit(
        &self,
        period: &Period,
        take: &mut dyn FnMut(AuditRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        audit::for_each(self.0, period, take)
    }

    /// The newest audit rows, newest first; of one event or one lead where asked for.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_audit(
        &self,
        event: Option<&str>,
        lead_id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        audit::newest(self.0, event, lead_id, limit)
    }

    /// The audit row at a place.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_at(&self, seq: i64) -> Result<Option<AuditRow>, StoreError> {
        audit::at(self.0, seq)
    }

    /// The leads of a person or a time, by what may be told of them.
    ///
    /// # Errors
    /// The database's own.
    pub fn find(&self, whose: &Whose) -> Result<Vec<Found>, StoreError> {
        privacy::find(self.0, whose, 0)
    }

    /// How many leads came before a moment, and when the oldest did.
    ///
    /// # Errors
    /// The database's own.
    pub fn count_before(&self, moment: &str) -> Result<(u64, Option<String>), StoreError> {
        privacy::count_before(self.0, moment)
    }

    /// The leads whose erasure the audit log tells of.
    ///
    /// # Errors
    /// The database's own.
    pub fn erased_ids(&self) -> Result<Vec<String>, StoreError> {
        privacy::erased_ids(self.0)
    }

    /// Whether the audit log tells of the erasure of a lead, by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own.
    pub fn was_erased(&self, id: &str) -> Result<bool, StoreError> {
        privacy::was_erased(self.0, id)
    }

    /// The last audit row's place and hash; none while the log is empty.
    ///
    /// # Errors
    /// The database's own.
    pub fn head(&self) -> Result<Option<Receipt>, StoreError> {
        Ok(Some(audit::head(self.0)?).filter(|head| head.seq > 0))
    }
}
