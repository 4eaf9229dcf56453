//! Applies migrations.

use crate::store::db::open;
use crate::store::db::schema::{embedded, versions};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::backup::create;
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;
use crate::store::tx::WriteTx;

/// The result of applying the pending migrations.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MigrationSummary {
    pub from: u32,
    pub to: u32,
    /// The verified copy, if the database had rows.
    pub copy: Option<PathBuf>,
}

/// Applies pending migrations. With `keep_copy`, a database with rows is copied before. Fails if the
/// database is newer than this binary.
pub(crate) fn apply(
    conn: &mut Connection,
    path: &Path,
    keep_copy: bool,
    clock: &Clock,
    actor: &str,
) -> Result<MigrationSummary, StoreError> {
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
    Ok(MigrationSummary { from, to, copy })
}

fn has_rows(conn: &Connection) -> Result<bool, StoreError> {
    Ok(query::last_seq(conn)? > 0)
}

/// Makes a backup next to the database before its schema changes, which `restore` of the binary of that
/// version accepts.
fn verified_copy(
    conn: &Connection,
    path: &Path,
    from: u32,
    clock: &Clock,
) -> Result<PathBuf, StoreError> {
    let time = Timestamp::from(clock.now()).to_string().replace([':', '.'], "-");
    let copy = sidecar_path(path, &format!(".before-migration-from-V{from}-{time}"));
    create::copy_before_migration(conn, path, &copy).map_err(|e| match e {
        StoreError::Corrupt(cause) => StoreError::Migration(format!(
            "the copy {} is damaged ({cause}); nothing was changed",
            copy.display()
        )),
        other => other,
    })?;
    Ok(copy)
}

/// Appends the `DATABASE_MIGRATED` row of a migration. `user_version` is the version up to which that was
/// done, so that the next start catches up after a crash between the two.
fn record(conn: &mut Connection, to: u32, clock: &Clock, actor: &str) -> Result<(), StoreError> {
    let from: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if from == to {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if from > 0 {
        let details = format!(r#"{{"from":{from},"to":{to}}}"#);
        let ids = uuid::ContextV7::new();
        WriteTx::begin(&tx, clock.now().into(), &ids, None)?.append(&NewAuditRow {
            event: AuditEvent::DatabaseMigrated,
            actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details),
        })?;
    }
    tx.pragma_update(None, "user_version", to)?;
    Ok(tx.commit()?)
}

/// Prepares the database for use: creates it if it is missing, then applies pending migrations. The
/// flag says whether the database was created.
///
/// # Errors
/// The file cannot be opened or written, is not FASTCore's, or is newer than this binary.
pub fn prepare(
    path: &Path,
    clock: &Clock,
    actor: &str,
) -> Result<(MigrationSummary, bool), StoreError> {
    let (mut conn, created) = open::read_write(path)?;
    let summary = apply(&mut conn, path, true, clock, actor);
    Ok((summary.map_err(|e| e.naming_disk_of(path))?, created))
}
