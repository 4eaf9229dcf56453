//! The schema and its versions: what a database has, and what this binary knows.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::store::db::open;
use crate::store::error::StoreError;

pub(crate) mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The tables whose schema is compared with the migrations: all but those that SQLite's full-text search
/// and the migration library create by themselves.
const TABLES: [&str; 22] = [
    "alert",
    "audit_log",
    "digest",
    "erasure_wipe",
    "lead_inbox",
    "lead_search",
    "lead_search_filter",
    "lead_search_person",
    "lead_status",
    "lead_view",
    "notice",
    "notice_channel",
    "refused_body",
    "refused_submission",
    "refused_total",
    "search_index_state",
    "staff_account",
    "staff_device",
    "staff_invitation",
    "staff_recovery_code",
    "staff_session",
    "write_probe",
];

/// A migration of this binary or of the database, and when it was applied to that (RFC 3339), if it was.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MigrationStatus {
    pub version: u32,
    pub name: String,
    pub applied_on: Option<String>,
    /// Whether this binary knows it: a newer one has applied it otherwise.
    pub known: bool,
}

/// Lists every migration that this binary knows or the database has.
///
/// # Errors
/// The database cannot be read.
pub fn status(path: &Path) -> Result<Vec<MigrationStatus>, StoreError> {
    migrations(&open::read_only(path)?)
}

/// Every migration that this binary knows or the database has, in order.
fn migrations(conn: &Connection) -> Result<Vec<MigrationStatus>, StoreError> {
    let applied = applied(conn)?;
    let mut migrations: Vec<MigrationStatus> = known()
        .iter()
        .map(|m| MigrationStatus {
            version: version_of(m),
            name: m.name().to_owned(),
            applied_on: applied
                .iter()
                .find(|a| a.version == version_of(m))
                .map(|a| a.applied_on.clone()),
            known: true,
        })
        .collect();
    let is_known = |a: &Applied| known().iter().any(|m| version_of(m) == a.version);
    migrations.extend(applied.iter().filter(|a| !is_known(a)).map(|a| MigrationStatus {
        version: a.version,
        name: a.name.clone(),
        applied_on: Some(a.applied_on.clone()),
        known: false,
    }));
    migrations.sort_by_key(|migration| migration.version);
    Ok(migrations)
}

/// Fails unless the schema is the one of this binary's newest migration.
pub(crate) fn check_current(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let (found, known) = versions(conn, path)?;
    if found < known {
        return Err(StoreError::Pending { path: path.into(), found, known });
    }
    Ok(())
}

/// Checks a file as the database of this binary or an older one.
///
/// # Errors
/// The database cannot be read, is newer than this binary or was made by other migrations.
pub fn check_file(path: &Path) -> Result<(), StoreError> {
    check_known(&open::read_only(path)?, path)
}

/// Fails if the database is newer than this binary or was made by other migrations.
pub(crate) fn check_known(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    versions(conn, path).map(|_| ())
}

/// Whether migrations are pending.
pub(crate) fn is_pending(conn: &Connection) -> Result<bool, StoreError> {
    Ok(migrations(conn)?.iter().any(|migration| migration.applied_on.is_none()))
}

/// The database's version and this binary's. Fails if the database's is newer or was made by other
/// migrations: what its tables are is unknown then.
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

/// A migration in the database's history.
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

/// The names and texts of the schema's objects as this binary creates them.
pub(crate) fn reference_schema() -> Result<Vec<(String, String)>, StoreError> {
    let mut conn = Connection::open_in_memory()?;
    embedded::migrations::runner()
        .run(&mut conn)
        .map_err(|e| StoreError::Migration(e.to_string()))?;
    schema(&conn)
}

/// The names and texts of a database's objects that belong to one of [`TABLES`].
pub(crate) fn schema(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT type || ' ' || name, sql, tbl_name FROM sqlite_schema
         WHERE sql IS NOT NULL ORDER BY name",
    )?;
    let mut rows = statement.query([])?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next()? {
        if TABLES.contains(&row.get_ref(2)?.as_str()?) {
            objects.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(objects)
}
