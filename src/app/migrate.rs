//! Migrates the database's schema, and lists the migrations.

use std::path::Path;

use crate::clock::Clock;
use crate::store;
use crate::store::db::lock::ServerLock;
use crate::store::db::migrate::MigrationSummary;
use crate::store::db::schema::MigrationStatus;
use crate::store::error::StoreError;

/// What preparing a database did.
#[derive(Debug)]
pub struct Prepared {
    pub created: bool,
    pub migrated: MigrationSummary,
}

/// Creates the database where there is none and applies pending migrations; a database with rows is
/// copied before, and the copy verified. The lock shows that no server has it open.
///
/// # Errors
/// The file cannot be used, is not FASTCore's, or is newer than this binary.
pub fn prepare(
    database: &Path,
    clock: &Clock,
    actor: &str,
    _lock: &ServerLock,
) -> Result<Prepared, StoreError> {
    let (migrated, created) = store::db::migrate::prepare(database, clock, actor)?;
    Ok(Prepared { created, migrated })
}

/// All migrations of this binary, and when each was applied.
///
/// # Errors
/// The database cannot be read.
pub fn status(database: &Path) -> Result<Vec<MigrationStatus>, StoreError> {
    store::db::schema::status(database)
}
