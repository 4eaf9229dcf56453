//! Whether all is well with a database and check lies around it: findings, each with its hint.

use crate::store::read::ReadTx;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use rustix::fs::statvfs;
use serde::Serialize;

use crate::app::audit;
use crate::app::backup::scheduler;
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::audit::query::AuditFilter;
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;
use crate::store::read::ReadPool;

const MIB: u64 = 1024 * 1024;
/// Less room than this, and leads are refused before long.
const ROOM: u64 = 200 * MIB;
/// A server keeps its write-ahead log far below this, unless somebody keeps reading.
const LARGE_LOG: u64 = 512 * MIB;
/// How far the newest audit row may be ahead of the clock.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// Without a schedule of the server's own, a backup older than this is told.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// What takes longer than this to write is a leftover.
const UNFINISHED: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// Worth knowing; nothing is broken.
    Warning,
    Error,
}

/// One line of the report. It holds nothing of a person and no secret.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub level: Level,
    pub check: &'static str,
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, detail: detail.into(), hint: None }
    }

    #[must_use]
    pub fn warning(
        check: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, check, detail: detail.into(), hint: Some(hint.into()) }
    }

    #[must_use]
    pub fn error(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Error, check, detail: detail.into(), hint: Some(hint.into()) }
    }
}

/// A folder of scheduled backups, and how often one is due.
#[derive(Debug, Clone)]
pub struct BackupPlan {
    pub folder: PathBuf,
    pub every: Duration,
}

/// Looks at everything; reads only, beside a running server or without one.
pub fn check(
    database: &Path,
    clock: &Clock,
    plan: Option<&BackupPlan>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let mut findings = modes(database);
    findings.push(room(database));
    match fs::metadata(database) {
        Err(e) => {
            let hint = "`fastcore serve` makes one; --database-url names another place";
            findings.push(Finding::error("database", format!("{}: {e}", database.display()), hint));
        }
        Ok(_) => findings.extend(inside(database, clock, plan, progress)),
    }
    findings.extend(leftovers(database));
    findings
}

fn inside(
    database: &Path,
    clock: &Clock,
    plan: Option<&BackupPlan>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let restore = "restore the newest backup: `fastcore restore FILE`";
    let each: [(&'static str, Result<Finding, StoreError>); 6] = [
        ("migrations", migrations(database)),
        ("integrity", integrity(database, restore)),
        ("chain", chain(database, restore, progress)),
        ("ledger", ledger(database)),
        ("clock", time(database, clock)),
        ("backup", backup(database, clock, plan)),
    ];
    let failed = |check, e: StoreError| Finding::error(check, e.to_string(), restore);
    let mut findings: Vec<Finding> =
        each.into_iter().map(|(check, done)| done.unwrap_or_else(|e| failed(check, e))).collect();
    findings.push(log_size(database));
    findings
}

/// Who else can read or change the files.
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
    let folder = folder(database);
    if let Some(mode) = mode(folder).ok().filter(|mode| mode & 0o022 != 0) {
        let shown = folder.display();
        let detail = format!("others can put files into the folder {shown} (mode {mode:03o})");
        findings.push(Finding::error("modes", detail, format!("chmod go-w '{shown}'")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("modes", "the files are their owner's alone"));
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
    // Also tells of a database that is newer or came to be in another way.
    ReadPool::open(database)?;
    Ok(Finding::ok("migrations", format!("all {} are applied", steps.len())))
}

fn integrity(database: &Path, hint: &str) -> Result<Finding, StoreError> {
    let faults = store::db::integrity::check_file(database)?;
    if faults.is_empty() {
        return Ok(Finding::ok("integrity", "the file is valid"));
    }
    let detail = format!("{} faults: {}", faults.len(), faults.join("; "));
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
        None => Finding::ok("chain", format!("{rows} audit rows and {leads} leads hold")),
        Some(first) => {
            let detail = format!("{} faults: {first}", report.finding_count);
            Finding::error("chain", detail, format!("`fastcore audit verify` lists them; {hint}"))
        }
    })
}

fn ledger(database: &Path) -> Result<Finding, StoreError> {
    let (there, missing) = store::privacy::erase::check_ledger(database)?;
    Ok(if there > 0 {
        let detail = format!("{there} leads are in the ledger of erasures and still there");
        let hint = "an erasure was cut off: run the same `fastcore gdpr erase` again";
        Finding::error("ledger", detail, hint)
    } else if missing > 0 {
        let detail =
            format!("{missing} erased leads are not in it: a backup could bring them back");
        let hint =
            "bring the ledger back, or let the next `gdpr erase` or `gdpr purge` complete it";
        Finding::error("ledger", detail, hint)
    } else {
        Finding::ok("ledger", "it has every erasure")
    })
}

fn time(database: &Path, clock: &Clock) -> Result<Finding, StoreError> {
    let newest =
        ReadPool::open(database)?.read(|tx| tx.audit_page(&AuditFilter::default(), None, 1))?;
    let newest = newest.first().and_then(|row| row.created_at_utc.known());
    let ahead = newest.is_some_and(|newest| newest.to_datetime() - clock.now() > AHEAD);
    Ok(if ahead {
        let hint = "set the clock (`timedatectl`), and keep it right by NTP";
        Finding::error("clock", "the newest audit row is of the future", hint)
    } else {
        Finding::ok("clock", "it is not behind the newest audit row")
    })
}

fn backup(
    database: &Path,
    clock: &Clock,
    plan: Option<&BackupPlan>,
) -> Result<Finding, StoreError> {
    let taken_at = match plan {
        Some(plan) => scheduler::newest(&plan.folder, database).map(|kept| kept.taken_at),
        None => {
            let newest = |s: &ReadTx<'_>| s.newest_of(AuditEvent::BackupTaken);
            let row = ReadPool::open(database)?.read(newest)?;
            row.and_then(|row| row.created_at_utc.known()).map(Timestamp::to_datetime)
        }
    };
    let hint = "`fastcore backup create FILE`, or set FASTCORE_BACKUP_DIR for the server";
    let level = if plan.is_some() { Level::Error } else { Level::Warning };
    let tell = |detail: String| Finding { level, ..Finding::error("backup", detail, hint) };
    let Some(taken_at) = taken_at else {
        return Ok(tell("there is none".to_owned()));
    };
    let age = (clock.now() - taken_at).to_std().unwrap_or_default();
    let shown = humantime::format_duration(Duration::from_secs(age.as_secs()));
    let late = age > plan.map_or(WEEK, |plan| plan.every * 2 + UNFINISHED);
    let detail = format!("the newest is {shown} old");
    Ok(if late { tell(detail) } else { Finding::ok("backup", detail) })
}

fn room(database: &Path) -> Finding {
    let Ok(disk) = statvfs(folder(database)) else {
        return Finding::error("disk", "the folder cannot be looked at", "look at it as its owner");
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let size = fs::metadata(database).map_or(0, |meta| meta.len());
    let detail = format!("{} MiB are free; the database has {} MiB", free / MIB, size / MIB);
    if free < ROOM {
        Finding::error("disk", detail, "make room: when the disk is full, leads are refused")
    } else if free < size.saturating_mul(2) {
        Finding::warning("disk", detail, "make room: an upgrade and a backup need as much again")
    } else {
        Finding::ok("disk", detail)
    }
}

fn log_size(database: &Path) -> Finding {
    let size = fs::metadata(sidecar_path(database, "-wal")).map_or(0, |meta| meta.len());
    let detail = format!("the write-ahead log has {} MiB", size / MIB);
    if size < LARGE_LOG {
        return Finding::ok("log", detail);
    }
    let hint =
        format!("somebody keeps reading: `fuser '{}'` names the processes", database.display());
    Finding::warning("log", detail, hint)
}

/// Files that hold personal data and that nobody needs any more.
fn leftovers(database: &Path) -> Vec<Finding> {
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = fs::read_dir(folder(database)).into_iter().flatten().flatten();
    let mut findings = Vec::new();
    for entry in entries {
        let file = entry.file_name().to_string_lossy().into_owned();
        let own = file.strip_prefix(&name).unwrap_or_default();
        let old = ["before-migration", "before-restore"];
        let kept = old.iter().any(|old| own.starts_with(&format!(".{old}")));
        let unfinished = (own.ends_with(".partial")
            || own.starts_with(".backup-")
            || file.starts_with(".fastcore-export"))
            && entry
                .metadata()
                .and_then(|meta| meta.modified())
                .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > UNFINISHED));
        if kept || unfinished {
            let path = entry.path();
            let detail = format!("{} holds leads, also those erased since", path.display());
            let hint = format!("when it is not needed any more: rm '{}'", path.display());
            findings.push(Finding::warning("leftover", detail, hint));
        }
    }
    findings
}

fn folder(database: &Path) -> &Path {
    database.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
