//! Restores a backup: prepared next to the database, then put in its place by one rename, so that at every
//! moment the old database or the new one is there, complete.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, TransactionBehavior};

use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::domain::hash_chain::ChainPosition;
use crate::domain::id::LeadId;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::audit::verify::VerifyReport;
use crate::store::backup::checksum_trailer;
use crate::store::backup::copy::copy_pages;
use crate::store::backup::partial_file::PartialBackup;
use crate::store::backup::progress::{CancelFlag, ProgressFn};
use crate::store::backup::restored_accounts::{self, RestoredAccounts};
use crate::store::backup::verify::verify_file;
use crate::store::db::lock::ServerLock;
use crate::store::db::{lock, migrate, open};
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::{folder_of, resolve_links, sidecar_path, sync_folder_of};
use crate::store::privacy::backup_ledger::{self, FoundLedger};
use crate::store::privacy::erase;
use crate::store::privacy::ledger::{ErasureLedger, Erasures};
use crate::store::tx::WriteTx;

/// The result of a restore.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RestoreSummary {
    pub audit_rows: u64,
    pub leads: u64,
    /// The head of the backup's audit log; receipts of later rows are not valid any more.
    pub head: Option<String>,
    /// The head of the audit log that was replaced, if it could be read.
    pub replaced_head: Option<String>,
    /// Leads that were erased after the backup was taken, and now again.
    pub erased_again: usize,
    pub ledgers: Vec<AppliedLedger>,
    /// Whether no ledger contains the erasures of the backup's database: leads that were erased after the
    /// backup was taken may be stored again.
    #[serde(rename = "ledger_missing")]
    pub is_ledger_missing: bool,
    /// Whose accounts the admin page has now; every session has ended.
    pub accounts: RestoredAccounts,
    /// The old files, which are kept.
    pub kept: Vec<PathBuf>,
}

/// An erasure ledger that was applied.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AppliedLedger {
    pub file: PathBuf,
    pub ids: usize,
}

/// Restores `backup`. The lock shows that no server has the database open.
///
/// # Errors
/// The backup does not verify; a ledger is damaged; another process has the database open; the files cannot
/// be written. The database is unchanged then. [`StoreError::Cancelled`] until the old files are set aside.
#[expect(clippy::too_many_arguments, reason = "each is used once, by one caller")]
pub fn restore(
    backup: &Path,
    database: &Path,
    no_checksum: bool,
    clock: &Clock,
    actor: &str,
    _lock: &ServerLock,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<RestoreSummary, StoreError> {
    lock::check_unused(database)?;
    let found = backup_ledger::find(database, folder_of(&resolve_links(backup)))?;
    let applied = |found: &FoundLedger| AppliedLedger {
        file: found.path.clone(),
        ids: found.erasures.leads.len(),
    };
    let ledgers: Vec<AppliedLedger> = found.iter().map(applied).collect();
    let owner = FileOwner::of_database(database).map_err(StoreError::at(database))?;
    let mut partial = PartialBackup::create(&sidecar_path(database, ".restore"), owner)?;
    let sha256 = copy_source(&mut partial, backup, no_checksum, cancel, progress)?;
    let report = verify_restored(&partial.path, cancel, progress)?;
    let replaced_head = old_head(database).map(|head| head.to_string());
    let head = report.head;
    let name = backup.file_name().map(|name| name.to_string_lossy().into_owned());
    let details = |prepared: &PreparedCopy| {
        let PreparedCopy { erased_again, is_ledger_missing, accounts } = prepared;
        serde_json::json!({
            "file": name, "sha256": sha256, "head": head, "replaced_head": replaced_head,
            "erased_again": erased_again, "ledger_missing": is_ledger_missing, "accounts": accounts,
        })
        .to_string()
    };
    let PreparedCopy { erased_again, is_ledger_missing, accounts } =
        prepare(&partial.path, database, found, clock, actor, &details)
            .map_err(|e| e.naming_disk_of(database))?;
    verify_restored(&partial.path, cancel, progress)?;
    partial.file.sync_all().map_err(StoreError::at(&partial.path))?;
    // Again: a process may have opened it meanwhile.
    lock::check_unused(database)?;
    let kept = set_aside_old(database, clock)?;
    partial.rename_to(database)?;
    let (audit_rows, leads) = (report.audit_rows, report.leads);
    Ok(RestoreSummary {
        audit_rows,
        leads,
        head,
        replaced_head,
        erased_again,
        ledgers,
        is_ledger_missing,
        accounts,
        kept,
    })
}

/// Copies the backup's content and compares it with its checksum trailer; returns the SHA-256 of the backup.
fn copy_source(
    partial: &mut PartialBackup,
    backup: &Path,
    no_checksum: bool,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<Option<String>, StoreError> {
    if !no_checksum {
        let progress = &mut |bytes| progress("MB read", bytes / 1_000_000);
        let PartialBackup { path, file, .. } = partial;
        let write = &mut |piece: &[u8]| {
            check_cancelled(cancel)?;
            file.write_all(piece).map_err(StoreError::at(path))
        };
        return checksum_trailer::verify(backup, write, progress).map(Some);
    }
    // Through SQLite: a copy that another tool made may have a WAL next to it.
    let source = open::read_only(backup)?;
    copy_pages(&source, &partial.path, cancel, progress)?;
    Ok(None)
}

fn check_cancelled(cancel: &CancelFlag) -> Result<(), StoreError> {
    if cancel.load(Ordering::Relaxed) { Err(StoreError::Cancelled) } else { Ok(()) }
}

fn verify_restored(
    path: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<VerifyReport, StoreError> {
    let interrupt = Arc::clone(cancel);
    let report = verify_file(path, move || interrupt.load(Ordering::Relaxed), progress);
    check_cancelled(cancel)?;
    let report = report?;
    match report.findings.first() {
        Some(finding) => Err(StoreError::Corrupt(format!("the backup: {finding}"))),
        None => Ok(report),
    }
}

/// What was changed in the copy of a backup; see [`RestoreSummary`].
struct PreparedCopy {
    erased_again: usize,
    is_ledger_missing: bool,
    accounts: RestoredAccounts,
}

/// Prepares the copy: pending migrations, the erasures since the backup was taken, the accounts, and the
/// audit row.
fn prepare(
    path: &Path,
    database: &Path,
    found: Vec<FoundLedger>,
    clock: &Clock,
    actor: &str,
    details: &dyn Fn(&PreparedCopy) -> String,
) -> Result<PreparedCopy, StoreError> {
    let replaced_accounts = restored_accounts::read_replaced(database, path);
    let (mut conn, _) = open::read_write(path)?;
    // Before the migrations, which append to the log.
    let in_backup = Erasures::in_log(&conn)?;
    migrate::apply(&mut conn, path, false, clock, actor)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    let mut erasures = Erasures::default();
    found.into_iter().for_each(|found| erasures.extend(found.erasures));
    let is_ledger_missing =
        !in_backup.logs.is_empty() && erasures.logs.is_disjoint(&in_backup.logs);
    // Where a ledger is missing, the audit logs are all that is known.
    erasures.leads.extend(in_backup.leads);
    erasures.leads.extend(erased_in_old(database));
    let mut ledger = ErasureLedger::open(database)?;
    ledger.record(&erasures)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let prepared = {
        let ids = uuid::ContextV7::new();
        let mut write = WriteTx::begin(&tx, clock.now().into(), &ids, None)?;
        let mut erased_again = 0;
        for id in ledger.leads() {
            erased_again += erase::erase_restored(&mut write, &id, actor)?;
        }
        let accounts = restored_accounts::replace(&write, replaced_accounts)?;
        let prepared = PreparedCopy { erased_again, is_ledger_missing, accounts };
        write.append(&NewAuditRow {
            event: AuditEvent::DatabaseRestored,
            actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details(&prepared)),
        })?;
        prepared
    };
    tx.commit()?;
    if prepared.erased_again > 0 {
        // Rewrites the file without what the erased rows have left in it; nobody uses it yet.
        conn.execute_batch("VACUUM")?;
    }
    // One file without a WAL, so that one rename puts it in place.
    let mode: String = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    conn.close().map_err(|(_, e)| e)?;
    if mode == "delete" { Ok(prepared) } else { Err(StoreError::Locked) }
}

/// The head of the audit log that is about to be replaced, if it can be read.
fn old_head(database: &Path) -> Option<ChainPosition> {
    let conn = open::read_only(database).ok()?;
    query::head(&conn).ok().filter(|head| head.seq > 0)
}

/// The erasures in the audit log that is about to be replaced, if it can be read.
fn erased_in_old(database: &Path) -> BTreeSet<LeadId> {
    let conn = open::read_only(database);
    let erasures = conn.and_then(|conn| Erasures::in_log(&conn));
    erasures.unwrap_or_default().leads
}

/// Gives the old files another name. The database keeps its own as well, until the new one takes it over.
/// Its WAL must be gone by then: SQLite would checkpoint it into the new one.
fn set_aside_old(database: &Path, clock: &Clock) -> Result<Vec<PathBuf>, StoreError> {
    checkpoint_old(database)?;
    let time = Timestamp::from(clock.now()).to_string().replace([':', '.'], "-");
    let name = sidecar_path(database, &format!(".before-restore-{time}"));
    let mut kept = Vec::new();
    if database.exists() {
        fs::hard_link(database, &name).map_err(StoreError::at(&name))?;
        kept.push(name.clone());
    }
    for suffix in ["-wal", "-journal"] {
        let (journal, aside) = (sidecar_path(database, suffix), sidecar_path(&name, suffix));
        if journal.exists() {
            fs::rename(&journal, &aside).map_err(StoreError::at(&aside))?;
            kept.push(aside);
        }
    }
    let shared_memory = sidecar_path(database, "-shm");
    if shared_memory.exists() {
        fs::remove_file(&shared_memory).map_err(StoreError::at(&shared_memory))?;
    }
    sync_folder_of(database).map_err(StoreError::at(database))?;
    Ok(kept)
}

/// Checkpoints the old database, so that the one file is all of it. A damaged one, which may be the reason
/// for the restore, is kept as it is, in two files.
fn checkpoint_old(database: &Path) -> Result<(), StoreError> {
    if !database.exists() {
        return Ok(());
    }
    let checkpoint = |conn: &Connection| -> rusqlite::Result<String> {
        conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
    };
    match open::read_only(database).and_then(|_| open::read_write(database)) {
        Ok((conn, _)) => match checkpoint(&conn).map_err(StoreError::from) {
            Ok(mode) if mode == "delete" => Ok(()),
            Ok(_) | Err(StoreError::Locked) => Err(StoreError::OpenElsewhere(database.into())),
            Err(_) => Ok(()),
        },
        Err(StoreError::Locked) => Err(StoreError::OpenElsewhere(database.into())),
        Err(foreign @ StoreError::Foreign(_)) => Err(foreign),
        Err(_) => Ok(()),
    }
}
