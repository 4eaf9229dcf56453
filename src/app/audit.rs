//! The audit log: listed, proved, and summed up in its head.

use crate::store::read::ReadTx;
use std::path::Path;

use crate::app::admin_state::AdminState;
use crate::domain::audit::AuditRow;
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

/// A page of the audit log, newest first.
#[derive(Debug)]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    /// The cursor of the next page, if there is one.
    pub next: Option<i64>,
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
        let next = rows.last().filter(|_| more).map(|row| row.seq);
        Ok(AuditPage { rows, next })
    }
}
