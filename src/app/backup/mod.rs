//! Backups: made beside a running server, proved, and told in the audit log.

pub mod scheduler;

use crate::store::backup::create::BackupSummary;
use crate::store::backup::progress::{CancelFlag, ProgressFn};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::app::atomic_file;
use crate::app::audit::append_audit;
use crate::app::db::write_once;
use crate::app::export::ExportError;
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::store;
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// Makes a backup in a file, which is there whole and checked or not at all.
///
/// # Errors
/// The database cannot be read or does not verify; the file is there and no backup, belongs to
/// the database, or cannot be written.
pub fn create(
    database: &Path,
    clock: &Clock,
    target: &Path,
    stop: &CancelFlag,
    actor: &str,
    tell: &mut ProgressFn<'_>,
) -> Result<BackupSummary, ExportError> {
    atomic_file::check_target(target, database)?;
    if !store::backup::create::may_replace(target) {
        let fault = format!("{} is there already and is no backup", target.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, fault).into());
    }
    let taken = store::backup::create::create(database, target, stop, tell)?;
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned());
    note(database, clock, &taken, name.as_deref(), actor)?;
    Ok(taken)
}

/// Writes a backup, made and checked in a file beside the database before the first byte, to `out`.
///
/// # Errors
/// As [`create`]; `out` was closed before the end.
pub fn stream(
    database: &Path,
    clock: &Clock,
    out: &mut dyn Write,
    stop: &CancelFlag,
    actor: &str,
    tell: &mut ProgressFn<'_>,
) -> Result<BackupSummary, ExportError> {
    let file = sidecar_path(database, &format!(".backup-{}", std::process::id()));
    let taken = store::backup::create::create(database, &file, stop, tell)?;
    // Its name is not needed any more, and whatever ends the process, it does not stay.
    let opened = File::open(&file);
    fs::remove_file(&file)?;
    io::copy(&mut opened?, out)?;
    out.flush()?;
    note(database, clock, &taken, None, actor)?;
    Ok(taken)
}

/// Tells the audit log.
fn note(
    database: &Path,
    clock: &Clock,
    taken: &BackupSummary,
    file: Option<&str>,
    actor: &str,
) -> Result<(), StoreError> {
    let details = json!({
        "file": file,
        "audit_rows": taken.audit_rows,
        "leads": taken.leads,
        "head": taken.head,
        "sha256": taken.sha256,
        "bytes": taken.bytes,
    });
    write_once(database, clock, append_audit(AuditEvent::BackupTaken, actor, &details))
}
