//! Whether all is well with a database and what lies around it: findings, each with its mend.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::statvfs;
use serde::Serialize;

use super::{audit, schedule};
use crate::clock::Clock;
use crate::store::{self, Readers, StoreError};

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
    Bad,
}

/// One line of the report. It holds nothing of a person and no secret.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub level: Level,
    pub what: &'static str,
    pub found: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, what, found: found.into(), mend: None }
    }

    #[must_use]
    pub fn warning(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, what, found: found.into(), mend: Some(mend.into()) }
    }

    #[must_use]
    pub fn bad(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Bad, what, found: found.into(), mend: Some(mend.into()) }
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
            let mend = "`fastcore serve` makes one; --database-url names another place";
            findings.push(Finding::bad("database", format!("{}: {e}", database.display()), mend));
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
    let failed = |what, e: StoreError| Finding::bad(what, e.to_string(), restore);
    let mut findings: Vec<Finding> =
        each.into_iter().map(|(what, done)| done.unwrap_or_else(|e| failed(what, e))).collect();
    findings.push(log_size(database));
    findings
}

/// Who else can read or change the files.
fn modes(database: &Path) -> Vec<Finding> {
    let mode = |path: &Path| fs::metadata(path).map(|meta| meta.permissions().mode() & 0o777);
    let suffixes = ["", "-wal", "-shm", ".lock", ".ingest-token", ".erased"];
    let files = suffixes.iter().map(|suffix| store::beside(database, suffix));
    let mut findings: Vec<Finding> = files
        .filter_map(|path| {
            let mode = mode(&path).ok().filter(|mode| mode & 0o077 != 0)?;
            let path = path.display();
            let found = format!("{path} can be used by others (mode {mode:03o})");
            Some(Finding::bad("modes", found, format!("chmod 600 '{path}'")))
        })
        .collect();
    let folder = folder(database);
    if let Some(mode) = mode(folder).ok().filter(|mode| mode & 0o022 != 0) {
        let shown = folder.display();
        let found = format!("others can put files into the folder {shown} (mode {mode:03o})");
        findings.push(Finding::bad("modes", found, format!("chmod go-w '{shown}'")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("modes", "the files are their owner's alone"));
    }
    findings
}

fn migrations(database: &Path) -> Result<Finding, StoreError> {
    let steps = store::migrations(database)?;
    let pending = steps.iter().filter(|step| step.applied_on.is_none()).count();
    if pending > 0 {
        let mend = "`fastcore migrate`, or restart the server";
        return Ok(Finding::bad("migrations", format!("{pending} are pending"), mend));
    }
    // Also tells of a database that is newer or came to be in another way.
    Readers::open(database)?;
    Ok(Finding::ok("migrations", format!("all {} are applied", steps.len())))
}

fn integrity(database: &Path, mend: &str) -> Result<Finding, StoreError> {
    let faults = store::check_file(database)?;
    if faults.is_empty() {
        return Ok(Finding::ok("integrity", "the file is sound"));
    }
    let found = format!("{} faults: {}", faults.len(), faults.join("; "));
    Ok(Finding::bad("integrity", found, mend))
}

fn chain(
    database: &Path,
    mend: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Finding, StoreError> {
    let report = audit::verify(database, &[], progress)?;
    let (rows, leads) = (report.audit_rows, report.leads);
    Ok(match report.findings.first() {
        None => Finding::ok("chain", format!("{rows} audit rows and {leads} leads hold")),
        Some(first) => {
            let found = format!("{} faults: {first}", report.faults);
            Finding::bad("chain", found, format!("`fastcore audit verify` lists them; {mend}"))
        }
    })
}

fn ledger(database: &Path) -> Result<Finding, StoreError> {
    let (there, missing) = store::check_ledger(database)?;
    Ok(if there > 0 {
        let found = format!("{there} leads are in the ledger of erasures and still there");
        let mend = "an erasure was cut off: run the same `fastcore gdpr erase` again";
        Finding::bad("ledger", found, mend)
    } else if missing > 0 {
        let found = format!("{missing} erased leads are not in it: a backup could bring them back");
        let mend =
            "bring the ledger back, or let the next `gdpr erase` or `gdpr purge` complete it";
        Finding::bad("ledger", found, mend)
    } else {
        Finding::ok("ledger", "it has every erasure")
    })
}

fn time(database: &Path, clock: &Clock) -> Result<Finding, StoreError> {
    let newest = Readers::open(database)?.snapshot(|s| s.newest_audit(None, None, 1))?;
    let newest = newest.first().and_then(|row| moment(&row.created_at_utc));
    let ahead = newest.is_some_and(|newest| newest - clock.now() > AHEAD);
    Ok(if ahead {
        let mend = "set the clock (`timedatectl`), and keep it right by NTP";
        Finding::bad("clock", "the newest audit row is of the future", mend)
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
        Some(plan) => schedule::newest(&plan.folder, database).map(|kept| kept.taken_at),
        None => {
            let taken = |s: &store::Snapshot<'_>| s.newest_audit(Some("BACKUP_TAKEN"), None, 1);
            let rows = Readers::open(database)?.snapshot(taken)?;
            rows.first().and_then(|row| moment(&row.created_at_utc))
        }
    };
    let mend = "`fastcore backup create FILE`, or set FASTCORE_BACKUP_DIR for the server";
    let level = if plan.is_some() { Level::Bad } else { Level::Warning };
    let tell = |found: String| Finding { level, ..Finding::bad("backup", found, mend) };
    let Some(taken_at) = taken_at else {
        return Ok(tell("there is none".to_owned()));
    };
    let age = (clock.now() - taken_at).to_std().unwrap_or_default();
    let shown = humantime::format_duration(Duration::from_secs(age.as_secs()));
    let late = age > plan.map_or(WEEK, |plan| plan.every * 2 + UNFINISHED);
    let found = format!("the newest is {shown} old");
    Ok(if late { tell(found) } else { Finding::ok("backup", found) })
}

fn room(database: &Path) -> Finding {
    let Ok(disk) = statvfs(folder(database)) else {
        return Finding::bad("disk", "the folder cannot be looked at", "look at it as its owner");
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let size = fs::metadata(database).map_or(0, |meta| meta.len());
    let found = format!("{} MiB are free; the database has {} MiB", free / MIB, size / MIB);
    if free < ROOM {
        Finding::bad("disk", found, "make room: when the disk is full, leads are refused")
    } else if free < size.saturating_mul(2) {
        Finding::warning("disk", found, "make room: an upgrade and a backup need as much again")
    } else {
        Finding::ok("disk", found)
    }
}

fn log_size(database: &Path) -> Finding {
    let size = fs::metadata(store::beside(database, "-wal")).map_or(0, |meta| meta.len());
    let found = format!("the write-ahead log has {} MiB", size / MIB);
    if size < LARGE_LOG {
        return Finding::ok("log", found);
    }
    let mend =
        format!("somebody keeps reading: `fuser '{}'` names the processes", database.display());
    Finding::warning("log", found, mend)
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
            let found = format!("{} holds leads, also those erased since", path.display());
            let mend = format!("when it is not needed any more: rm '{}'", path.display());
            findings.push(Finding::warning("leftover", found, mend));
        }
    }
    findings
}

fn folder(database: &Path) -> &Path {
    database.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}
