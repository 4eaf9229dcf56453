//! The audit log: lists, verifies and extends it.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::db::Db;
use crate::domain::audit::{AuditEvent, AuditRow, NewAuditRow};
use crate::domain::hash_chain::ChainPosition;
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::audit::query::AuditFilter;
use crate::store::audit::verify::VerifyReport;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;
use crate::store::tx::WriteTx;

/// The newest rows, newest first; only of one event or one lead, if set.
///
/// # Errors
/// The database cannot be read.
pub fn list(
    database: &Path,
    event: Option<Recorded<AuditEvent>>,
    lead_id: Option<String>,
    limit: usize,
) -> Result<Vec<AuditRow>, StoreError> {
    let filter = AuditFilter { event, lead_id, ..AuditFilter::default() };
    ReadPool::open(database)?.read(|tx| tx.audit_page(&filter, None, limit))
}

/// The last row's `seq` and hash; `None` while the log is empty.
///
/// # Errors
/// The database cannot be read.
pub fn head(database: &Path) -> Result<Option<ChainPosition>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.head())
}

/// Verifies the hash chain and every lead against it; with receipts, also that nothing up to them
/// was rewritten or cut off since they were issued. Calls `progress` with the rows read.
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
    #[schema(value_type = String, format = DateTime)]
    pub created_at_utc: Recorded<Timestamp>,
    #[schema(value_type = String)]
    pub event: Recorded<AuditEvent>,
    #[schema(required)]
    pub actor: Option<String>,
    #[schema(required, format = Uuid)]
    pub lead_id: Option<String>,
    #[schema(required, format = Uuid)]
    pub request_id: Option<String>,
    #[schema(required)]
    pub status_code: Option<i64>,
    /// Details of this event, without personal data.
    #[schema(required, value_type = Option<Object>)]
    pub details: Value,
    /// The chain's hash over the row before and this one.
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
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    pub next: Option<String>,
    /// The names of all events, to filter by.
    pub events: Vec<&'static str>,
}

/// A page of the audit rows that match the filter, before the row `before`, if set.
///
/// # Errors
/// The database cannot be read.
pub async fn page(
    db: &Db,
    filter: AuditFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let mut rows = db.read(move |tx| tx.audit_page(&filter, before, limit + 1)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let events = AuditEvent::ALL.iter().map(|event| event.as_str()).collect();
    Ok(AuditPage { rows: rows.into_iter().map(AuditEntry::from).collect(), next, events })
}

/// A job that appends an audit row about no single lead.
pub(crate) fn append_audit(
    event: AuditEvent,
    actor: &str,
    details: &Value,
) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + use<> {
    let (details, actor) = (details.to_string(), actor.to_owned());
    move |tx| {
        let event = NewAuditRow {
            event,
            actor: &actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details),
        };
        tx.append(&event).map(drop)
    }
}
