//! What `fastcore check` looks at: a database and the files around it, as findings with hints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::statvfs;
use serde::Serialize;

use crate::app::atomic_file;
use crate::app::audit;
use crate::app::backup::scheduler::{self, BackupSchedule};
use crate::app::status::thresholds::{self, Level, MIB};
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::audit::query::AuditFilter;
use crate::store::error::StoreError;
use crate::store::paths::{folder_of, sidecar_path};
use crate::store::read::{ReadPool, ReadTx};

/// A file that is older than this and not finished is a leftover: nothing takes that long to write.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// One line of the report, without personal data or secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub level: Level,
    pub check: &'static str,
    pub detail: String,
    /// What to do about it; none for [`Level::Ok`].
    pub hint: Option<String>,
}

impl Finding {
    fn new(
        level: Level,
        check: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { level, check, detail: detail.into(), hint: Some(hint.into()) }
    }

    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, detail: detail.into(), hint: None }
    }

    #[must_use]
    pub fn warning(
        check: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(Level::Warning, check, detail, hint)
    }

    #[must_use]
    pub fn error(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Level::Error, check, detail, hint)
    }
}

/// Checks everything. Only reads, while a server runs or without one.
pub fn check(
    database: &Path,
    clock: &Clock,
    schedule: Option<&BackupSchedule>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let mut findings = modes(database);
    findings.push(disk_space(database));
    match fs::metadata(database) {
        Err(e) => {
            let hint = "`fastcore serve` creates it; --database-url names another path";
            findings.push(Finding::error("database", format!("{}: {e}", database.display()), hint));
        }
        Ok(_) => findings.extend(inside(database, clock, schedule, progress)),
    }
    findings.extend(leftovers(database));
    findings
}

fn inside(
    database: &Path,
    clock: &Clock,
    schedule: Option<&BackupSchedule>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let restore = "restore the newest backup: `fastcore restore FILE`";
    let each: [(&'static str, Result<Finding, StoreError>); 6] = [
        ("migrations", migrations(database)),
        ("integrity", integrity(database, restore)),
        ("chain", chain(database, restore, progress)),
        ("ledger", ledger(database)),
        ("clock", clock_finding(database, clock)),
        ("backup", backup(database, clock, schedule)),
    ];
    let failed = |check, e: StoreError| Finding::error(check, e.to_string(), restore);
    let mut findings: Vec<Finding> =
        each.into_iter().map(|(check, done)| done.unwrap_or_else(|e| failed(check, e))).collect();
    findings.push(wal_size(database));
    findings
}

/// Whether others can read or change the files.
fn modes(database: &Path) -> Vec<Finding> {
    let mode = |path: &Path| fs::metadata(path).map(|meta| meta.permissions().mode() & 0o777);
    let suffixes = ["", "-wal", "-shm", ".lock", ".ingest-token", ".erased"];
    let files = suffixes.iter().map(|suffix| sidecar_path(database, suffix));
    let mut findings: Vec<Finding> = files
        .filter_map(|path| {
            let mode = mode(&path).ok().filter(|mode| mode & 0o077 != 0)?;
            let path = path.display();
            let detail = format!("{path} can be used by others (mode {mode:03o})");
            Some(Finding::error("modes", detail, format!("chmod 600 '{path}'")))
        })
        .collect();
    let folder = folder_of(database);
    if let Some(mode) = mode(folder).ok().filter(|mode| mode & 0o022 != 0) {
        let shown = folder.display();
        let detail = format!("others can put files into the folder {shown} (mode {mode:03o})");
        findings.push(Finding::error("modes", detail, format!("chmod go-w '{shown}'")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("modes", "only the owner can use the files"));
    }
    findings
}

fn migrations(database: &Path) -> Result<Finding, StoreError> {
    let steps = store::db::schema::status(database)?;
    let pending = steps.iter().filter(|step| step.applied_on.is_none()).count();
    if pending > 0 {
        let hint = "`fastcore migrate`, or restart the server";
        return Ok(Finding::error("migrations", format!("{pending} are pending"), hint));
    }
    // Fails for a database that is newer or was not made by these migrations.
    ReadPool::open(database)?;
    Ok(Finding::ok("migrations", format!("all {} are applied", steps.len())))
}

fn integrity(database: &Path, hint: &str) -> Result<Finding, StoreError> {
    let faults = store::db::integrity::check_file(database)?;
    if faults.is_empty() {
        return Ok(Finding::ok("integrity", "the file is valid"));
    }
    let detail = format!("{} findings: {}", faults.len(), faults.join("; "));
    Ok(Finding::error("integrity", detail, hint))
}

fn chain(
    database: &Path,
    hint: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Finding, StoreError> {
    let report = audit::verify(database, &[], progress)?;
    let (rows, leads) = (report.audit_rows, report.leads);
    Ok(match report.findings.first() {
        None => Finding::ok("chain", format!("{rows} audit rows and {leads} leads are valid")),
        Some(first) => {
            let detail = format!("{} findings: {first}", report.finding_count);
            Finding::error("chain", detail, format!("`fastcore audit verify` lists them; {hint}"))
        }
    })
}

fn ledger(database: &Path) -> Result<Finding, StoreError> {
    let (there, missing) = store::privacy::erase::check_ledger(database)?;
    Ok(if there > 0 {
        let detail = format!("{there} leads are in the erasure ledger and still stored");
        let hint = "an erasure was interrupted: run the same `fastcore gdpr erase` again";
        Finding::error("ledger", detail, hint)
    } else if missing > 0 {
        let detail = format!(
            "{missing} erased leads are missing from it: a restored backup would contain them"
        );
        let hint = "restore the ledger, or let the next `gdpr erase` or `gdpr purge` complete it";
        Finding::error("ledger", detail, hint)
    } else {
        Finding::ok("ledger", "it contains every erasure")
    })
}

fn clock_finding(database: &Path, clock: &Clock) -> Result<Finding, StoreError> {
    let newest =
        ReadPool::open(database)?.read(|tx| tx.audit_page(&AuditFilter::default(), None, 1))?;
    let newest = newest.first().and_then(|row| row.created_at_utc.known());
    Ok(match thresholds::clock_level(newest, clock.now().into()) {
        Level::Ok => Finding::ok("clock", "it is not behind the newest audit row"),
        level => {
            let hint = "set the clock (`timedatectl`) and keep it synchronised by NTP";
            Finding::new(level, "clock", "it is behind the newest audit row", hint)
        }
    })
}

fn backup(
    database: &Path,
    clock: &Clock,
    schedule: Option<&BackupSchedule>,
) -> Result<Finding, StoreError> {
    let taken_at = match schedule {
        Some(schedule) => {
            scheduler::newest(&schedule.folder, database).map(|backup| backup.taken_at.into())
        }
        None => {
            let newest = |tx: &ReadTx<'_>| tx.newest_of(AuditEvent::BackupTaken);
            let row = ReadPool::open(database)?.read(newest)?;
            row.and_then(|row| row.created_at_utc.known())
        }
    };
    let (interval, now) = (schedule.map(|schedule| schedule.every), Timestamp::from(clock.now()));
    let hint = "`fastcore backup create FILE`, or set FASTCORE_BACKUP_DIR for the server";
    let level = thresholds::missing_backup_level(interval);
    let Some(taken_at) = taken_at else {
        return Ok(Finding::new(level, "backup", "there is none", hint));
    };
    let age = (now.to_datetime() - taken_at.to_datetime()).to_std().unwrap_or_default();
    let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
    let detail = format!("the newest is {age} old");
    Ok(if thresholds::is_backup_late(taken_at, interval, now) {
        Finding::new(level, "backup", detail, hint)
    } else {
        Finding::ok("backup", detail)
    })
}

fn disk_space(database: &Path) -> Finding {
    let disk = match statvfs(folder_of(database)) {
        Ok(disk) => disk,
        Err(e) => {
            return Finding::error("disk", e.to_string(), "run the check as the service's user");
        }
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let size = fs::metadata(database).map_or(0, |meta| meta.len());
    let detail = format!("{} MiB are free; the database has {} MiB", free / MIB, size / MIB);
    match thresholds::disk_level(free, size) {
        Level::Ok => Finding::ok("disk", detail),
        Level::Warning => {
            let hint = "free some space: an upgrade and a backup need twice the database's size";
            Finding::warning("disk", detail, hint)
        }
        Level::Error => {
            Finding::error("disk", detail, "free some space: on a full disk, leads are refused")
        }
    }
}

fn wal_size(database: &Path) -> Finding {
    let size = fs::metadata(sidecar_path(database, "-wal")).map_or(0, |meta| meta.len());
    let detail = format!("the WAL has {} MiB", size / MIB);
    match thresholds::wal_level(size) {
        Level::Ok => Finding::ok("log", detail),
        level => {
            let shown = database.display();
            let hint = format!("a program keeps reading: `fuser '{shown}'` names the processes");
            Finding::new(level, "log", detail, hint)
        }
    }
}

/// Files with personal data that nobody needs any more.
fn leftovers(database: &Path) -> Vec<Finding> {
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = fs::read_dir(folder_of(database)).into_iter().flatten().flatten();
    let mut findings = Vec::new();
    for entry in entries {
        let file = entry.file_name().to_string_lossy().into_owned();
        let suffix = file.strip_prefix(&name).unwrap_or_default();
        let set_aside =
            [".before-migration", ".before-restore"].iter().any(|old| suffix.starts_with(old));
        let unfinished = suffix.ends_with(".partial")
            || suffix.starts_with(".backup-")
            || atomic_file::is_temporary_name(&file);
        let modified = entry.metadata().and_then(|meta| meta.modified());
        let old = || modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFTOVER_AGE));
        if set_aside || (unfinished && old()) {
            let path = entry.path();
            let detail = format!("{} contains leads, also leads erased since", path.display());
            let hint = format!("when it is not needed any more: rm '{}'", path.display());
            findings.push(Finding::warning("leftover", detail, hint));
        }
    }
    findings
}
