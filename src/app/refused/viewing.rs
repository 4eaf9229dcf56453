//! What staff see of refused submissions on the admin page.

use serde_json::json;

use crate::app::audit::append_audit;
use crate::app::db::Db;
use crate::domain::audit::AuditEvent;
use crate::store::error::StoreError;
use crate::store::refused::query::{RefusedEntry, RefusedTotals};

/// A page of refused submissions, newest first.
#[derive(Debug)]
pub struct RefusedPage {
    pub entries: Vec<RefusedEntry>,
    /// The cursor of the next page, if there is one.
    pub next: Option<i64>,
    pub totals: RefusedTotals,
}

/// A page of those that arrived before the audit row `before`, if set; `settled` ones as well, or only those that
/// are no lead yet.
///
/// # Errors
/// The database cannot be read.
pub async fn page(
    db: &Db,
    settled: bool,
    before: Option<i64>,
    limit: usize,
) -> Result<RefusedPage, StoreError> {
    db.read(move |tx| {
        let mut entries = tx.refused_page(settled, before, limit + 1)?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|entry| entry.audit_seq);
        Ok(RefusedPage { entries, next, totals: tx.refused_totals()? })
    })
    .await
}

/// One with its body; `None` if it is not kept. The audit row `REFUSED_VIEWED` is on the disk before anything of
/// it is returned.
///
/// # Errors
/// The database cannot be read or written.
pub async fn open(
    db: &Db,
    id: String,
    actor: &str,
) -> Result<Option<(RefusedEntry, Vec<u8>)>, StoreError> {
    let wanted = id.clone();
    if db.read(move |tx| tx.refused(&wanted)).await?.is_none() {
        return Ok(None);
    }
    db.write(append_audit(AuditEvent::RefusedViewed, actor, &json!({ "refused_id": id }))).await?;
    // It may have been erased meanwhile.
    db.read(move |tx| tx.refused(&id)).await
}
