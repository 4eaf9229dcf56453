//! Lists the notices that were not sent, and tries them again.

use std::path::Path;

use crate::app::db;
use crate::clock::Clock;
use crate::domain::notice::Notice;
use crate::store;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;

/// The newest notices that were not sent, oldest first; with `all`, the others as well.
///
/// # Errors
/// The database cannot be read.
pub fn list(database: &Path, all: bool, limit: usize) -> Result<Vec<Notice>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.notices(all, limit))
}

/// Lets a server try a notice again, or all that were not sent. Returns how many.
///
/// # Errors
/// The database cannot be written.
pub fn retry(database: &Path, clock: &Clock, id: Option<&str>) -> Result<usize, StoreError> {
    let id = id.map(str::to_owned);
    db::write_once(database, clock, move |tx| store::notices::outbox::retry(tx, id.as_deref()))
}
