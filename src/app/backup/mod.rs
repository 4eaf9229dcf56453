//! Backups: taken while a server runs, verified, and recorded in the audit log.

pub mod folder;
pub(crate) mod monitor;
pub mod scheduler;

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::app::atomic_file;
use crate::app::audit::append_audit;
use crate::app::db::record_read;
use crate::app::export::error::ExportError;
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::store;
use crate::store::backup::create::BackupSummary;
use crate::store::backup::progress::{CancelFlag, ProgressFn};
use crate::store::error::StoreError;
use crate::store::paths::{resolve_links, sidecar_path};
use crate::store::privacy::ledger;
use crate::store::tx::WriteTx;

/// Takes a backup for a command and records it.
///
/// # Errors
/// The database cannot be read or does not verify; the target exists and is not a backup, belongs
/// to the database, or cannot be written.
pub fn create(
    database: &Path,
    clock: &Clock,
    target: &Path,
    cancel: &CancelFlag,
    actor: &str,
    progress: &mut ProgressFn<'_>,
) -> Result<BackupSummary, ExportError> {
    let summary = write_file(database, target, cancel, progress)?;
    record_read(database, clock, audit_job(&summary, Some(target), actor))?;
    Ok(summary)
}

/// Takes and verifies a backup in a file next to the database, then writes it to `out` and records
/// it.
///
/// # Errors
/// As [`create`]; `out` was closed before the end.
pub fn stream(
    database: &Path,
    clock: &Clock,
    out: &mut dyn Write,
    cancel: &CancelFlag,
    actor: &str,
    progress: &mut ProgressFn<'_>,
) -> Result<BackupSummary, ExportError> {
    let place = sidecar_path(database, &format!(".backup-{}", std::process::id()));
    let (summary, mut file) =
        store::backup::create::create_unnamed(database, &place, cancel, progress)?;
    io::copy(&mut file, out)?;
    out.flush()?;
    record_read(database, clock, audit_job(&summary, None, actor))?;
    Ok(summary)
}

/// Takes a backup in a file, which is whole and verified or not there.
fn write_file(
    database: &Path,
    target: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<BackupSummary, ExportError> {
    let target = &resolve_links(target);
    atomic_file::check_target(target, database)?;
    if target.as_os_str().as_encoded_bytes().ends_with(ledger::SUFFIX.as_bytes()) {
        let error = format!("{}: only erasure ledgers have such names", target.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error).into());
    }
    if !store::backup::create::may_replace(target) {
        let error = format!("{} exists and is not a backup", target.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, error).into());
    }
    Ok(store::backup::create::create(database, target, cancel, progress)?)
}

/// A job that records a backup in the audit log.
fn audit_job(
    summary: &BackupSummary,
    target: Option<&Path>,
    actor: &str,
) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + use<> {
    let name = target.and_then(Path::file_name).map(|name| name.to_string_lossy());
    let details = json!({
        "file": name,
        "audit_rows": summary.audit_rows,
        "leads": summary.leads,
        "head": summary.head,
        "sha256": summary.sha256,
        "bytes": summary.bytes,
    });
    append_audit(AuditEvent::BackupTaken, actor, &details)
}
