//! The database's schema: brought up to date, or described.

use crate::store::db::schema::MigrationStatus;
use std::path::Path;

use crate::clock::Clock;
use crate::store;
use crate::store::db::lock::ServerLock;
use crate::store::db::migrate::MigrationSummary;
use crate::store::error::StoreError;

/// What preparing a database did.
#[derive(Debug)]
pub struct Prepared {
    pub created: bool,
    pub migrated: MigrationSummary,
}

/// Makes the database where there is none and applies pending migrations, after a verified copy
/// of one that has rows. The lock shows that no server has it open.
///
/// # Errors
/// The file cannot be used, is not ours, or is newer than this binary.
pub fn prepare(
    database: &Path,
    clock: &Clock,
    actor: &str,
    _lock: &ServerLock,
) -> Result<Prepared, StoreError> {
    let (migrated, created) = store::db::migrate::prepare(database, clock, actor)?;
    Ok(Prepared { created, migrated })
}

/// The migrations that this binary knows, and which of them the database has.
///
/// # Errors
/// The database cannot be read.
pub fn status(database: &Path) -> Result<Vec<MigrationStatus>, StoreError> {
    store::db::schema::status(database)
}
