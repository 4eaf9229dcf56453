//! The audit log: listed, proved, and summed up in its head.

use crate::store::read::ReadTx;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::admin_state::AdminState;
use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::hash_chain::ChainPosition;
use crate::store;
use crate::store::audit::page::AuditFilter;
use crate::store::audit::verify::VerifyReport;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;

/// The newest rows, newest first; of one event or one lead where asked for.
///
/// # Errors
/// The database cannot be read.
pub fn list(
    database: &Path,
    event: Option<&str>,
    lead_id: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    ReadPool::open(database)?.read(|snapshot| snapshot.newest_audit(event, lead_id, limit))
}

/// The last row's place and hash; none while the log is empty.
///
/// # Errors
/// The database cannot be read.
pub fn head(database: &Path) -> Result<Option<ChainPosition>, StoreError> {
    ReadPool::open(database)?.read(|snapshot| snapshot.head())
}

/// Proves the log and every lead against it; with receipts, also that nothing up to them was
/// rewritten or cut off since they were given out. Calls `progress` with the rows walked.
///
/// # Errors
/// The file cannot be opened; damage inside it is a finding of the report.
pub fn verify(
    database: &Path,
    receipts: &[ChainPosition],
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyReport, StoreError> {
    store::audit::verify::verify_database(database, receipts, progress)
}

/// An audit row as the page shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRow)]
pub struct AuditEntry {
    pub seq: i64,
    #[schema(format = Uuid)]
    pub id: String,
    #[schema(format = DateTime)]
    pub created_at_utc: String,
    pub event: String,
    #[schema(required)]
    pub actor: Option<String>,
    #[schema(required, format = Uuid)]
    pub lead_id: Option<String>,
    #[schema(required, format = Uuid)]
    pub request_id: Option<String>,
    #[schema(required)]
    pub status_code: Option<i64>,
    /// What belongs to this event; nothing personal.
    #[schema(required, value_type = Option<Object>)]
    pub details: Value,
    /// Of the chain, over the row before and this one.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            details: row.details(),
            seq: row.seq,
            id: row.id,
            created_at_utc: row.created_at_utc,
            event: row.event,
            actor: row.actor,
            lead_id: row.lead_id,
            request_id: row.request_id,
            status_code: row.status_code,
            hash: row.hash,
        }
    }
}

/// A page of the audit log, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub struct AuditPage {
    pub rows: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    #[schema(required)]
    pub next: Option<String>,
    /// The names of all events, to filter by.
    pub events: Vec<&'static str>,
}

impl AdminState {
    /// A page of the audit rows that the filter finds, behind the place `before`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let read = move |snapshot: &ReadTx<'_>| snapshot.audit_page(&filter, before, limit + 1);
        let mut rows = self.read(read).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
        let events = AuditEvent::ALL.into_iter().map(AuditEvent::as_str).collect();
        Ok(AuditPage { rows: rows.into_iter().map(AuditEntry::from).collect(), next, events })
    }
}
