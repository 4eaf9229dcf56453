//! The audit log: listed, proved, and summed up in its head.

use std::path::Path;

use crate::domain::audit::AuditRow;
use crate::domain::chain::Receipt;
use crate::store::{self, Readers, Report, StoreError};

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
    Readers::open(database)?.snapshot(|snapshot| snapshot.newest_audit(event, lead_id, limit))
}

/// The last row's place and hash; none while the log is empty.
///
/// # Errors
/// The database cannot be read.
pub fn head(database: &Path) -> Result<Option<Receipt>, StoreError> {
    Readers::open(database)?.snapshot(|snapshot| snapshot.head())
}

/// Proves the log and every lead against it; with receipts, also that nothing up to them was
/// rewritten or cut off since they were given out. Calls `progress` with the rows walked.
///
/// # Errors
/// The file cannot be opened; damage inside it is a finding of the report.
pub fn verify(
    database: &Path,
    receipts: &[Receipt],
    progress: &mut dyn FnMut(u64),
) -> Result<Report, StoreError> {
    store::verify(database, receipts, progress)
}
