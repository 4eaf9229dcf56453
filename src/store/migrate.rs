//! The schema and its versions: which a database has, which this binary knows, and the way between.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::tx::WriteTx;
use super::{audit, backup};
use crate::clock::Clock;
use crate::domain::audit::{Event, NewEvent};
use crate::domain::time::stamp;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// A migration that this binary knows, and when the database got it (RFC 3339), if it did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Step {
    pub version: u32,
    pub name: String,
    pub applied_on: Option<String>,
}

/// What applying the pending migrations did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
    /// The verified copy of a database that had rows.
    pub copy: Option<PathBuf>,
}

/// Every migration that this binary knows, in order.
pub(super) fn steps(conn: &Connection) -> Result<Vec<Step>, StoreError> {
    let applied = applied(conn)?;
    let mut steps: Vec<Step> = known()
        .iter()
        .map(|m| Step {
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
pub(super) fn check_current(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let (found, known) = versions(conn, path)?;
    if found < known {
        return Err(StoreError::Pending { path: path.into(), found, known });
    }
    Ok(())
}

/// Refuses a database that is newer than this binary or came to be in another way.
pub(super) fn check_known(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    versions(conn, path).map(|_| ())
}

/// Whether migrations are pending.
pub(super) fn is_pending(conn: &Connection) -> Result<bool, StoreError> {
    Ok(steps(conn)?.iter().any(|step| step.applied_on.is_none()))
}

/// Applies what is pending, after a verified copy if one is to be kept and the database has rows.
/// Refuses a newer one.
pub(super) fn apply(
    conn: &mut Connection,
    path: &Path,
    keep_copy: bool,
    clock: &Clock,
    actor: &str,
) -> Result<Migrated, StoreError> {
    let (from, to) = versions(conn, path)?;
    let mut copy = None;
    if from < to {
        if keep_copy && from > 0 && has_rows(conn)? {
            copy = Some(verified_copy(conn, path, from, clock)?);
        }
        embedded::migrations::runner()
            .set_grouped(true)
            .run(conn)
            .map_err(|e| StoreError::Migration(e.to_string()))?;
    }
    record(conn, to, clock, actor)?;
    Ok(Migrated { from, to, copy })
}

/// The database's version and this binary's; an error where the database's is the newer, or came
/// to be in another way: nobody knows then what its tables are.
fn versions(conn: &Connection, path: &Path) -> Result<(u32, u32), StoreError> {
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

fn has_rows(conn: &Connection) -> Result<bool, StoreError> {
    Ok(audit::head(conn)?.seq > 0)
}

/// A backup of the database beside it before its schema changes; `restore` of the binary before
/// this one takes it.
fn verified_copy(
    conn: &Connection,
    path: &Path,
    from: u32,
    clock: &Clock,
) -> Result<PathBuf, StoreError> {
    let time = stamp(clock.now()).replace([':', '.'], "-");
    let copy = super::beside(path, &format!(".before-migration-from-V{from}-{time}"));
    backup::create_plain(conn, &copy).map_err(|e| match e {
        StoreError::Corrupt(cause) => StoreError::Migration(format!(
            "the copy {} is not sound ({cause}); nothing was changed",
            copy.display()
        )),
        other => other,
    })?;
    Ok(copy)
}

/// Writes the `DATABASE_MIGRATED` row of a migration. `user_version` remembers up to which
/// version that was done, so that a crash between the two is made good at the next start.
fn record(conn: &mut Connection, to: u32, clock: &Clock, actor: &str) -> Result<(), StoreError> {
    let from: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if from == to {
        return Ok(());
    }
    let batch = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if from > 0 {
        let details = format!(r#"{{"from":{from},"to":{to}}}"#);
        let ids = uuid::ContextV7::new();
        WriteTx::begin(&batch, clock.now(), &ids)?.append(&NewEvent {
            event: Event::DatabaseMigrated,
            actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details),
        })?;
    }
    batch.pragma_update(None, "user_version", to)?;
    batch.commit()?;
    Ok(())
}

/// The names and text of the schema's objects as this binary makes them.
pub(super) fn reference_schema() -> Result<Vec<(String, String)>, StoreError> {
    let mut conn = Connection::open_in_memory()?;
    embedded::migrations::runner()
        .run(&mut conn)
        .map_err(|e| StoreError::Migration(e.to_string()))?;
    schema(&conn)
}

/// The names and text of a database's objects, less SQLite's own and those of other tools.
pub(super) fn schema(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT type || ' ' || name, sql FROM sqlite_schema
         WHERE sql IS NOT NULL AND (tbl_name IN ('audit_log', 'lead_inbox', 'lead_status', 'writer_proof', 'staff_account', 'staff_session', 'lead_search', 'lead_search_place', 'lead_search_status'))
         ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
