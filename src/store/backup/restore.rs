//! Puts a backup in the place of a database: made ready beside it, then put there by one rename,
//! so that at every moment the old one or the new one is there, whole.

use crate::store::db::schema;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, ErasureReason, NewAuditRow};
use crate::domain::hash_chain::ChainPosition;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::{query, verify};
use crate::store::backup::checksum_trailer;
use crate::store::backup::create::ProgressFn;
use crate::store::backup::partial_file::{PartialBackup, sync_folder};
use crate::store::db::lock::ServerLock;
use crate::store::db::{lock, migrate, open};
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;
use crate::store::privacy::erase;
use crate::store::privacy::erase::LeadSelector;
use crate::store::privacy::ledger::ErasureLedger;
use crate::store::tx::WriteTx;

/// What a restore did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RestoreSummary {
    pub audit_rows: u64,
    pub leads: u64,
    /// The end of the backup's audit log; receipts behind it do not hold any more.
    pub head: Option<String>,
    /// The end of the audit log that was replaced, where it could be read.
    pub replaced_head: Option<String>,
    /// Leads that were erased since the backup, and are again.
    pub erased_again: usize,
    /// The old files, kept.
    pub kept: Vec<PathBuf>,
}

/// Restores `backup`; the lock shows that no server has the database open.
pub(crate) fn restore(
    backup: &Path,
    database: &Path,
    no_checksum: bool,
    clock: &Clock,
    actor: &str,
    _lock: &ServerLock,
    tell: &mut ProgressFn<'_>,
) -> Result<RestoreSummary, StoreError> {
    lock::check_unused(database)?;
    let mut draft = PartialBackup::of(&sidecar_path(database, ".restore"))?;
    let sha256 = fill(&mut draft, backup, no_checksum, tell)?;
    let report = prove(&draft.path, tell)?;
    let replaced = old_head(database);
    let (head, replaced_head) = (report.head, replaced.map(|head| head.to_string()));
    let name = backup.file_name().map(|name| name.to_string_lossy().into_owned());
    let details = |erased: usize| {
        serde_json::json!({
            "file": name, "sha256": sha256, "head": head, "replaced_head": replaced_head,
            "erased_again": erased,
        })
        .to_string()
    };
    let erased_again = make_ready(&draft.path, database, clock, actor, &details)?;
    prove(&draft.path, tell)?;
    draft.file.sync_all().map_err(StoreError::at(&draft.path))?;
    // Again: it may be too damaged for SQLite's own locks to tell.
    lock::check_unused(database)?;
    let kept = keep_old(database, clock)?;
    draft.put_in_place(database)?;
    let (audit_rows, leads) = (report.audit_rows, report.leads);
    Ok(RestoreSummary { audit_rows, leads, head, replaced_head, erased_again, kept })
}

/// Copies the backup's content, and proves it on the way; its SHA-256.
fn fill(
    draft: &mut PartialBackup,
    backup: &Path,
    no_checksum: bool,
    tell: &mut ProgressFn<'_>,
) -> Result<Option<String>, StoreError> {
    if !no_checksum {
        let tell = &mut |bytes| tell("MB read", bytes / 1_000_000);
        let PartialBackup { path, file, .. } = draft;
        let write = &mut |piece: &[u8]| file.write_all(piece).map_err(StoreError::at(path));
        return checksum_trailer::verify(backup, write, tell).map(Some);
    }
    // By SQLite's own means: what another tool left may have a write-ahead log beside it.
    let source = open::read_only(backup)?;
    crate::store::backup::create::copy_from(
        &source,
        &draft.path,
        &crate::store::backup::create::CancelFlag::default(),
        tell,
    )?;
    Ok(None)
}

fn prove(
    path: &Path,
    tell: &mut ProgressFn<'_>,
) -> Result<crate::store::audit::verify::VerifyReport, StoreError> {
    let conn = open::read_only(path)?;
    schema::check_known(&conn, path)?;
    let report = verify::verify(&conn, &[], true, &mut |rows| tell("audit rows checked", rows))?;
    match report.findings.first() {
        Some(finding) => Err(StoreError::Corrupt(format!("the backup: {finding}"))),
        None => Ok(report),
    }
}

/// Brings the copy up to date: pending migrations, then the erasures since, and the audit row.
fn make_ready(
    path: &Path,
    database: &Path,
    clock: &Clock,
    actor: &str,
    details: &dyn Fn(usize) -> String,
) -> Result<usize, StoreError> {
    let (mut conn, _) = open::read_write(path)?;
    migrate::apply(&mut conn, path, false, clock, actor)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    let mut ledger = ErasureLedger::open(database)?;
    // The backup's own log may tell of erasures that the ledger, new on this machine, does not.
    ledger.note(erase::erased_ids(&conn)?.iter().map(String::as_str))?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let erased = {
        let ids = uuid::ContextV7::new();
        let mut write = WriteTx::begin(&tx, clock.now().into(), &ids)?;
        let mut erased = 0;
        for id in ledger.leads() {
            for lead in erase::find(&tx, &LeadSelector::Lead(id), 0)? {
                let reason = ErasureReason::Restored;
                erased += usize::from(erase::erase(&mut write, &lead, reason, actor)?.is_some());
            }
        }
        write.append(&NewAuditRow {
            event: AuditEvent::DatabaseRestored,
            actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details(erased)),
        })?;
        erased
    };
    tx.commit()?;
    if erased > 0 {
        // Nobody waits for this file: it is written anew, without what the erased have left.
        conn.execute_batch("VACUUM")?;
    }
    // One file without a write-ahead log, so that one rename puts it in place.
    let mode: String = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    conn.close().map_err(|(_, e)| e)?;
    if mode == "delete" { Ok(erased) } else { Err(StoreError::Locked) }
}

/// The end of the audit log that is about to be replaced, where it can be read.
fn old_head(database: &Path) -> Option<ChainPosition> {
    let conn = open::read_only(database).ok()?;
    query::head(&conn).ok().filter(|head| head.seq > 0)
}

/// Gives the old files another name. The database keeps its own as well, until the new one takes
/// it over; its write-ahead log must not be there when it does, since SQLite would copy it into
/// the new one.
fn keep_old(database: &Path, clock: &Clock) -> Result<Vec<PathBuf>, StoreError> {
    fold_log(database)?;
    let time = Timestamp::from(clock.now()).to_string().replace([':', '.'], "-");
    let name = sidecar_path(database, &format!(".before-restore-{time}"));
    let mut kept = Vec::new();
    if database.exists() {
        fs::hard_link(database, &name).map_err(StoreError::at(&name))?;
        kept.push(name.clone());
    }
    for suffix in ["-wal", "-journal"] {
        let (log, aside) = (sidecar_path(database, suffix), sidecar_path(&name, suffix));
        if log.exists() {
            fs::rename(&log, &aside).map_err(StoreError::at(&aside))?;
            kept.push(aside);
        }
    }
    let index = sidecar_path(database, "-shm");
    if index.exists() {
        fs::remove_file(&index).map_err(StoreError::at(&index))?;
    }
    sync_folder(database).map_err(StoreError::at(database))?;
    Ok(kept)
}

/// Copies the write-ahead log of the old database into it, so that the one file is all of it. One
/// that is damaged, the reason to restore, is kept as it is, in two files.
fn fold_log(database: &Path) -> Result<(), StoreError> {
    if !database.exists() {
        return Ok(());
    }
    let fold = |conn: &Connection| -> rusqlite::Result<String> {
        conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
    };
    match open::read_only(database).and_then(|_| open::read_write(database)) {
        Ok((conn, _)) => match fold(&conn).map_err(StoreError::from) {
            Ok(mode) if mode == "delete" => Ok(()),
            Ok(_) | Err(StoreError::Locked) => Err(StoreError::OpenElsewhere(database.into())),
            Err(_) => Ok(()),
        },
        Err(StoreError::Locked) => Err(StoreError::OpenElsewhere(database.into())),
        Err(foreign @ StoreError::Foreign(_)) => Err(foreign),
        Err(_) => Ok(()),
    }
}
