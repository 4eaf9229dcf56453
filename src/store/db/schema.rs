//! The schema and its versions: which of them a database has, and which this binary knows.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::store::db::open;
use crate::store::error::StoreError;

pub(crate) mod embedded {
    refinery::embed_migrations!("migrations");
}

/// A migration that this binary knows, and when the database got it (RFC 3339), if it did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MigrationStatus {
    pub version: u32,
    pub name: String,
    pub applied_on: Option<String>,
}

/// Every migration that this binary knows, in order.
pub(crate) fn steps(conn: &Connection) -> Result<Vec<MigrationStatus>, StoreError> {
    let applied = applied(conn)?;
    let mut steps: Vec<MigrationStatus> = known()
        .iter()
        .map(|m| MigrationStatus {
            version: version_of(m),
            name: m.name().to_owned(),
            applied_on: applied
                .iter()
                .find(|a| a.version == version_of(m))
                .map(|a| a.applied_on.clone()),
        })
        .collect();
    steps.sort_by_key(|s| s.version);
    Ok(steps)
}

/// Refuses a database whose schema is not exactly the one that this binary knows.
pub(crate) fn check_current(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let (found, known) = versions(conn, path)?;
    if found < known {
        return Err(StoreError::Pending { path: path.into(), found, known });
    }
    Ok(())
}

/// Refuses a database that is newer than this binary or came to be in another way.
pub(crate) fn check_known(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    versions(conn, path).map(|_| ())
}

/// Whether migrations are pending.
pub(crate) fn is_pending(conn: &Connection) -> Result<bool, StoreError> {
    Ok(steps(conn)?.iter().any(|step| step.applied_on.is_none()))
}

/// The database's version and this binary's; an error where the database's is the newer, or came
/// to be in another way: nobody knows then what its tables are.
pub(crate) fn versions(conn: &Connection, path: &Path) -> Result<(u32, u32), StoreError> {
    let applied = applied(conn)?;
    let found = applied.last().map_or(0, |a| a.version);
    let migrations = known();
    let known = migrations.iter().map(version_of).max().unwrap_or(0);
    if found > known {
        return Err(StoreError::Newer { path: path.into(), found, known });
    }
    for migration in migrations.iter().filter(|m| version_of(m) <= found) {
        let checksum = migration.checksum().to_string();
        let same = |a: &Applied| {
            a.version == version_of(migration)
                && a.name == migration.name()
                && a.checksum == checksum
        };
        if !applied.iter().any(same) {
            return Err(StoreError::Diverged {
                path: path.into(),
                migration: migration.to_string(),
            });
        }
    }
    Ok((found, known))
}

fn known() -> Vec<refinery::Migration> {
    embedded::migrations::runner().get_migrations().clone()
}

fn version_of(migration: &refinery::Migration) -> u32 {
    u32::try_from(migration.version()).unwrap_or(u32::MAX)
}

/// A migration as the database remembers it.
struct Applied {
    version: u32,
    name: String,
    applied_on: String,
    checksum: String,
}

/// The migrations that the database has, in order.
fn applied(conn: &Connection) -> Result<Vec<Applied>, StoreError> {
    let history = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    if conn.query_row(history, [], |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = conn.prepare(
        "SELECT version, name, applied_on, checksum FROM refinery_schema_history ORDER BY version",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Applied {
            version: row.get(0)?,
            name: row.get(1)?,
            applied_on: row.get(2)?,
            checksum: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The names and text of the schema's objects as this binary makes them.
pub(crate) fn reference_schema() -> Result<Vec<(String, String)>, StoreError> {
    let mut conn = Connection::open_in_memory()?;
    embedded::migrations::runner()
        .run(&mut conn)
        .map_err(|e| StoreError::Migration(e.to_string()))?;
    schema(&conn)
}

/// The names and text of a database's objects, less SQLite's own and those of other tools.
pub(crate) fn schema(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT type || ' ' || name, sql FROM sqlite_schema
         WHERE sql IS NOT NULL AND (tbl_name IN ('audit_log', 'lead_inbox', 'lead_status', 'writer_proof', 'staff_account', 'staff_session', 'lead_search', 'lead_search_place', 'lead_search_status'))
         ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lists every migration that this binary knows, and which of them the database has.
///
/// # Errors
/// The database cannot be read.
pub fn status(path: &Path) -> Result<Vec<MigrationStatus>, StoreError> {
    steps(&open::read_only(path)?)
}
