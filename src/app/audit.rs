//! The audit log: lists, verifies and extends it.

use std::path::Path;

use serde_json::Value;

use crate::app::db::Db;
use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::hash_chain::ChainPosition;
use crate::domain::recorded::Recorded;
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

/// A page of the audit log, newest first.
#[derive(Debug)]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    /// The cursor of the next page, if there is one.
    pub next: Option<i64>,
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
    let next = rows.last().filter(|_| more).map(|row| row.seq);
    Ok(AuditPage { rows, next })
}

/// A job that appends an audit row about no single lead.
pub(crate) fn append_audit(
    event: AuditEvent,
    actor: &str,
    details: &Value,
) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + use<> {
    let (details, actor) = (details.clone(), actor.to_owned());
    move |tx| tx.append_event(event, &actor, &details).map(drop)
}
