//! A transaction of the writer: one time for all its rows, and the head of the chain.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::{ContextV7, Uuid};

use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::domain::hash_chain::{ChainEntry, ChainPosition};
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::error::StoreError;

/// What a job of the writer may use. The audit log is only ever appended to.
#[expect(missing_debug_implementations, reason = "lives for one transaction")]
pub struct WriteTx<'c> {
    pub(crate) conn: &'c Connection,
    now: Timestamp,
    ids: &'c ContextV7,
    head: ChainPosition,
    disk_reserve: Result<(), StoreError>,
}

impl<'c> WriteTx<'c> {
    /// Reads the head of the chain inside the transaction that the caller has begun, since another
    /// process may have appended to it.
    ///
    /// # Errors
    /// [`StoreError::DamagedHead`], or the database's own.
    pub(crate) fn begin(
        conn: &'c Connection,
        now: Timestamp,
        ids: &'c ContextV7,
        known: Option<ChainPosition>,
    ) -> Result<Self, StoreError> {
        Ok(Self { conn, now, ids, head: append_position(conn, known)?, disk_reserve: Ok(()) })
    }

    /// Sets the result of [`Self::check_disk_reserve`].
    pub(crate) fn with_disk_reserve(self, disk_reserve: Result<(), StoreError>) -> Self {
        Self { disk_reserve, ..self }
    }

    /// Fails while the disk has no more free space than its reserve. What the site sends must check this; what
    /// staff and the operator do may use the reserve.
    ///
    /// # Errors
    /// [`StoreError::DiskReserve`].
    pub fn check_disk_reserve(&self) -> Result<(), StoreError> {
        self.disk_reserve.clone()
    }

    /// The time that all rows of the transaction get.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The last audit row of this transaction so far.
    #[must_use]
    pub fn head(&self) -> ChainPosition {
        self.head
    }

    /// Resets the head to where it was before a job that was rolled back.
    pub(crate) fn reset_head(&mut self, head: ChainPosition) {
        self.head = head;
    }

    /// A UUID version 7, greater than every one before it.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        let now = self.now.to_datetime();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let nanos = now.timestamp_subsec_nanos();
        Uuid::new_v7(uuid::Timestamp::from_unix(self.ids, seconds, nanos))
    }

    /// Appends a row to the audit log.
    ///
    /// # Errors
    /// The database's own.
    pub fn append(&mut self, row: &NewAuditRow<'_>) -> Result<ChainPosition, StoreError> {
        let mut id = Uuid::encode_buffer();
        let now = self.now.to_string();
        let entry = ChainEntry {
            seq: self.head.seq + 1,
            id: self.new_id().hyphenated().encode_lower(&mut id),
            created_at_utc: now.as_str(),
            event: row.event.as_str(),
            actor: Some(row.actor),
            lead_id: row.lead_id,
            request_id: row.request_id,
            status_code: row.status_code,
            details_json: row.details_json,
        };
        let hash = entry.hash(&self.head.hash);
        self.conn.prepare_cached(include_str!("append_audit_row.sql"))?.execute(params![
            entry.seq,
            entry.id,
            entry.created_at_utc,
            entry.event,
            entry.actor,
            entry.lead_id,
            entry.request_id,
            entry.status_code,
            entry.details_json,
            hash.to_string(),
        ])?;
        self.head = ChainPosition { seq: entry.seq, hash };
        Ok(self.head)
    }

    /// Appends a row about no single lead.
    ///
    /// # Errors
    /// The database's own.
    pub fn append_event(
        &mut self,
        event: AuditEvent,
        actor: &str,
        details: &serde_json::Value,
    ) -> Result<ChainPosition, StoreError> {
        self.append(&NewAuditRow {
            event,
            actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details.to_string()),
        })
    }
}

/// The position that the next row follows. If rows were removed at the end, SQLite's counter is ahead
/// of the last one; the next row then leaves the gap, for `audit verify` to report.
///
/// `known` is the position that this writer left. A last row that another process wrote, or changed, is
/// verified first: the chain must not continue from a damaged one.
fn append_position(
    conn: &Connection,
    known: Option<ChainPosition>,
) -> Result<ChainPosition, StoreError> {
    let last = query::head(conn)?;
    if known != Some(last) {
        query::check_head(conn, last)?;
    }
    let counter = "SELECT seq FROM sqlite_sequence WHERE name = 'audit_log'";
    let counter = conn.prepare_cached(counter)?.query_row([], |row| row.get(0)).optional()?;
    Ok(ChainPosition { seq: last.seq.max(counter.unwrap_or(0)), ..last })
}
