//! What `fastcore check` looks at: a database and the files around it, as findings with hints.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::audit;
use crate::app::backup::folder::{self, BackupSchedule};
use crate::app::retention::notice_time;
use crate::app::staff::key::StaffKey;
use crate::app::staff::totp::{self, StoredSecrets};
use crate::app::status::facts::{canary_problem, eviction_problem, notice_problem};
use crate::app::status::finding::Finding;
use crate::app::status::thresholds::{self, Level};
use crate::app::status::{check_alerts, check_files, clock_check};
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::db::integrity::IntegrityReport;
use crate::store::error::StoreError;
use crate::store::read::{ReadPool, ReadTx};

/// A server erases once a day: after this long it has not.
const MAX_RETENTION_DELAY: TimeDelta = TimeDelta::days(2);
const RESTORE: &str = "restore the newest backup: `fastcore restore FILE`";

/// Checks everything. Only reads, while a server runs or without one.
pub fn check(
    database: &Path,
    clock: &Clock,
    schedule: Option<&BackupSchedule>,
    retention: Option<TimeDelta>,
    canary_every: Option<Duration>,
    disk_reserve: u64,
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let files = check_files::checked_files(database, schedule);
    let mut findings = check_files::owners(database, &files);
    findings.extend(check_files::modes(database, &files));
    findings.push(check_files::disk_space(database, disk_reserve));
    match check_files::unreadable(database) {
        Some(unreadable) => findings.push(unreadable),
        None => {
            findings.extend(check_files::unwritable(database));
            findings.extend(inside(database, clock, schedule, (retention, canary_every), progress));
        }
    }
    findings.extend(check_files::leftovers(database, clock));
    findings
}

fn inside(
    database: &Path,
    clock: &Clock,
    schedule: Option<&BackupSchedule>,
    (period, canary_every): (Option<TimeDelta>, Option<Duration>),
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let one = |finding: Result<Finding, StoreError>| finding.map(|finding| vec![finding]);
    let each: [(&'static str, Result<Vec<Finding>, StoreError>); 13] = [
        ("migrations", one(migrations(database))),
        ("integrity", one(integrity(database))),
        ("chain", one(chain(database, progress))),
        ("ledger", one(ledger(database))),
        ("ledger", backup_ledger(database, schedule)),
        ("staff", second_factors(database)),
        ("clock", one(clock_check::finding(database, clock))),
        ("backup", backup(database, clock, schedule)),
        ("notices", notices(database, clock)),
        ("refused", refused(database, clock)),
        ("canary", canary_every.map(|every| canary(database, clock, every)).into_iter().collect()),
        ("alerts", check_alerts::findings(database)),
        (
            "retention",
            period.map(|period| leads_leaving(database, clock, period)).into_iter().collect(),
        ),
    ];
    let mut findings = Vec::new();
    for (check, found) in each {
        match found {
            Ok(found) => findings.extend(found),
            Err(error) => {
                let detail = error.to_string();
                // Damage is reported by each check that meets it; what else keeps one from running, such as a
                // newer schema, usually keeps the others from it too.
                let is_damage =
                    matches!(error, StoreError::Corrupt(_) | StoreError::NotADatabase(_));
                let is_known = findings.iter().any(|finding: &Finding| finding.detail == detail);
                if is_damage || !is_known {
                    findings.push(Finding::error(check, detail, hint(&error, database)));
                }
            }
        }
    }
    findings.push(check_files::wal_size(database));
    findings
}

/// Whether the second factors can be read with the key next to the database.
fn second_factors(database: &Path) -> Result<Vec<Finding>, StoreError> {
    let stored = StoredSecrets::read(database)?;
    let count = stored.count();
    let unreadable = stored.unreadable(StaffKey::load(database)?.as_ref());
    if unreadable.is_empty() {
        let detail = format!("second factors: {count}, all readable with the key of this database");
        return Ok((count > 0).then(|| Finding::ok("staff", detail)).into_iter().collect());
    }
    let names = unreadable.join(", ");
    let detail =
        format!("the second factors of {names} cannot be read with the key of this database");
    Ok(vec![Finding::error("staff", detail, totp::WRONG_KEY_HINT)])
}

/// Whether notices of new leads reach their receivers, where there are any.
fn notices(database: &Path, clock: &Clock) -> Result<Vec<Finding>, StoreError> {
    let now = clock.now().into();
    let since = thresholds::given_up_since(now);
    let (channels, backlog) = ReadPool::open(database)?
        .read(|tx| Ok((tx.channels()?.len(), tx.notice_backlog(since)?)))?;
    let finding = match notice_problem(&backlog, now) {
        Some(problem) => {
            let hint =
                "see `fastcore notify list`, mend the receiver, then `fastcore notify retry --all`";
            Finding::warning("notices", problem, hint)
        }
        None => Finding::ok("notices", format!("channels: {channels}, nothing is late")),
    };
    Ok((channels > 0).then_some(finding).into_iter().collect())
}

/// When the last canary came through, where one is expected.
fn canary(database: &Path, clock: &Clock, every: Duration) -> Result<Finding, StoreError> {
    let last = ReadPool::open(database)?.read(|tx| tx.last_canary_at())?;
    Ok(match (canary_problem(last, every, clock.now().into()), last) {
        (None, Some(last)) => Finding::ok("canary", format!("the last one came through at {last}")),
        (problem, _) => {
            let hint =
                "run `fastcore canary URL` with the URL that the site uses: it says what is wrong";
            Finding::warning("canary", problem.unwrap_or_default(), hint)
        }
    })
}

/// How many refused submissions are kept, where there are any, and whether they have room.
fn refused(database: &Path, clock: &Clock) -> Result<Vec<Finding>, StoreError> {
    let totals = ReadPool::open(database)?.read(|tx| tx.refused_totals())?;
    let evicted = totals.evicted_at_utc.and_then(|at| eviction_problem(at, clock.now().into()));
    if let Some(problem) = evicted {
        let hint = "`fastcore refused list` says what the site does wrong; `fastcore refused retry` or `purge` makes room";
        return Ok(vec![Finding::warning("refused", problem, hint)]);
    }
    let detail = format!("kept: {}, of which no lead yet: {}", totals.kept_rows, totals.open_rows);
    Ok((totals.kept_rows > 0).then(|| Finding::ok("refused", detail)).into_iter().collect())
}

/// What to do about a failure. Only a damaged file needs a backup.
fn hint(error: &StoreError, database: &Path) -> String {
    let shown = database.display();
    match error {
        StoreError::Corrupt(_) => RESTORE.to_owned(),
        StoreError::DamagedIndex(_) => REBUILD_INDEX.to_owned(),
        StoreError::NotADatabase(_) => {
            format!(
                "--database-url or DATABASE_URL names the wrong file, or it was overwritten: {RESTORE}"
            )
        }
        StoreError::Foreign(_) => "--database-url or DATABASE_URL names the wrong file".to_owned(),
        StoreError::Unmarked(_) => "run the command, then check again".to_owned(),
        StoreError::Newer { .. } => "install the newer binary again".to_owned(),
        StoreError::Pending { .. } => PENDING.to_owned(),
        StoreError::Diverged { .. } => "use the binary that made it".to_owned(),
        StoreError::Full | StoreError::FullAt(_) => "free some space on this disk".to_owned(),
        StoreError::Locked => format!("`fuser '{shown}'` names the processes that have it open"),
        _ => check_files::unwritable(database)
            .and_then(|finding| finding.hint)
            .unwrap_or_else(|| "see the message; `dmesg` reports errors of the disk".to_owned()),
    }
}

const REBUILD_INDEX: &str = "`fastcore lead rebuild-index`; no lead is lost";
const PENDING: &str = "`fastcore migrate`, or restart the server";

fn migrations(database: &Path) -> Result<Finding, StoreError> {
    let steps = store::db::schema::status(database)?;
    let pending = steps.iter().filter(|step| step.applied_on.is_none()).count();
    // Fails for a database that is newer or was not made by these migrations.
    store::db::schema::check_file(database)?;
    if pending > 0 {
        return Ok(Finding::error("migrations", format!("{pending} are pending"), PENDING));
    }
    Ok(Finding::ok("migrations", format!("all {} are applied", steps.len())))
}

fn integrity(database: &Path) -> Result<Finding, StoreError> {
    let IntegrityReport { faults, index_faults } = store::db::integrity::check_file(database)?;
    let list = |faults: &[String]| format!("{} findings: {}", faults.len(), faults.join("; "));
    Ok(match (faults.as_slice(), index_faults.as_slice()) {
        ([], []) => Finding::ok("integrity", "the file is valid"),
        ([], faults) => {
            let detail = format!("the search index is damaged; {}", list(faults));
            Finding::warning("integrity", detail, REBUILD_INDEX)
        }
        (faults, _) => Finding::error("integrity", list(faults), RESTORE),
    })
}

fn chain(database: &Path, progress: &mut dyn FnMut(u64)) -> Result<Finding, StoreError> {
    let report = audit::verify(database, &[], progress)?;
    let (rows, leads) = (report.audit_rows, report.leads);
    Ok(match report.findings.first() {
        None => Finding::ok("chain", format!("{rows} audit rows and {leads} leads are valid")),
        Some(first) => {
            let detail = format!("{} findings: {first}", report.finding_count);
            Finding::error(
                "chain",
                detail,
                format!("`fastcore audit verify` lists them; {RESTORE}"),
            )
        }
    })
}

fn ledger(database: &Path) -> Result<Finding, StoreError> {
    let (there, missing) = store::privacy::erase::check_ledger(database)?;
    Ok(if there > 0 {
        let detail = format!("records that are in the erasure ledger and still stored: {there}");
        let hint = "an erasure was interrupted: run the same `fastcore gdpr erase` again";
        Finding::error("ledger", detail, hint)
    } else if missing > 0 {
        let detail = format!(
            "erasures that are missing from it: {missing}; a restored backup would contain what was erased"
        );
        let hint = "restore the ledger, or let the next `gdpr erase` or `gdpr purge` complete it";
        Finding::error("ledger", detail, hint)
    } else {
        Finding::ok("ledger", "it contains every erasure")
    })
}

/// Whether the ledger in the folder of the scheduled backups lacks an erasure.
fn backup_ledger(
    database: &Path,
    schedule: Option<&BackupSchedule>,
) -> Result<Vec<Finding>, StoreError> {
    // A missing folder is reported with the backups.
    let Some(schedule) = schedule.filter(|schedule| schedule.folder.is_dir()) else {
        return Ok(Vec::new());
    };
    let missing = store::privacy::backup_ledger::count_missing(database, &schedule.folder)?;
    if missing == 0 {
        return Ok(Vec::new());
    }
    let path = store::privacy::backup_ledger::path_in(&schedule.folder, database);
    let detail = format!(
        "erasures that are missing from {}: {missing}; a backup restored on another machine would contain what was erased",
        path.display()
    );
    let hint = "the next backup completes it; if it does not, the server's log says why";
    Ok(vec![Finding::error("ledger", detail, hint)])
}

fn backup(
    database: &Path,
    clock: &Clock,
    schedule: Option<&BackupSchedule>,
) -> Result<Vec<Finding>, StoreError> {
    let now = Timestamp::from(clock.now());
    if let Some(schedule) = schedule {
        return Ok(scheduled_backups(database, schedule, now));
    }
    let newest = |tx: &ReadTx<'_>| tx.newest_of(AuditEvent::BackupTaken);
    let newest = ReadPool::open(database)?.read(newest)?;
    let newest = newest.and_then(|row| row.created_at_utc.known());
    let hint = "`fastcore backup create FILE`, or set FASTCORE_BACKUP_DIR for the server";
    Ok(vec![backup_age(newest, None, now, hint)])
}

/// The backups in the folder of the schedule: what the audit log says of them is no proof that they are
/// there.
fn scheduled_backups(database: &Path, schedule: &BackupSchedule, now: Timestamp) -> Vec<Finding> {
    let shown = schedule.folder.display();
    let dated = match folder::list(&schedule.folder, database, now.to_datetime()) {
        Ok(dated) => dated,
        Err(error) => {
            let hint = match error.kind() {
                io::ErrorKind::PermissionDenied => "run the check as the service's user",
                _ => {
                    "mount its disk, then restart the server; until then, it stores leads without backups"
                }
            };
            let detail = format!("the backup folder {shown}: {error}");
            return vec![Finding::error("backup", detail, hint)];
        }
    };
    let newest = dated.plausible.last().map(|backup| backup.taken_at.into());
    let hint = "the server's log says why: `journalctl -u fastcore`";
    let mut findings = vec![backup_age(newest, Some(schedule.every), now, hint)];
    if let Some(newest) = dated.future.last() {
        let count = dated.future.len();
        let newest = newest.path.file_name().unwrap_or_default().to_string_lossy();
        let detail = format!("{count} in {shown} are dated in the future, the latest is {newest}");
        let hint = "the clock was ahead when they were taken, or is behind now (`timedatectl`); they are \
                    not counted and not deleted: delete them yourself";
        findings.push(Finding::warning("backup", detail, hint));
    }
    findings
}

/// Which leads are erased soon, and which should have been.
fn leads_leaving(database: &Path, clock: &Clock, period: TimeDelta) -> Result<Finding, StoreError> {
    let now = Timestamp::from(clock.now());
    let long_due = now.saturating_sub(period).saturating_sub(MAX_RETENTION_DELAY);
    let ((leaving, _), (overdue, _)) = ReadPool::open(database)?
        .read(|tx| Ok((tx.count_before(notice_time(period, now))?, tx.count_before(long_due)?)))?;
    let days = period.num_days();
    if overdue > 0 {
        let detail = format!("{overdue} leads are older than {days} days and not erased");
        let hint = "the server's log says why: `journalctl -u fastcore`; or `fastcore gdpr purge`";
        return Ok(Finding::warning("retention", detail, hint));
    }
    let detail = format!("leads are erased after {days} days; {leaving} leave in the next 30 days");
    Ok(Finding::ok("retention", detail))
}

fn backup_age(
    newest: Option<Timestamp>,
    interval: Option<Duration>,
    now: Timestamp,
    hint: &str,
) -> Finding {
    let level = thresholds::missing_backup_level(interval);
    let Some(taken_at) = newest else {
        return Finding::new(level, "backup", "there is none", hint);
    };
    if thresholds::is_future(taken_at, now) {
        let detail = format!("the newest is dated in the future: {taken_at}");
        return Finding::new(Level::Warning, "backup", detail, hint);
    }
    let age = (now.to_datetime() - taken_at.to_datetime()).to_std().unwrap_or_default();
    let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
    let detail = format!("the newest is {age} old");
    if thresholds::is_backup_late(taken_at, interval, now) {
        Finding::new(level, "backup", detail, hint)
    } else {
        Finding::ok("backup", detail)
    }
}
