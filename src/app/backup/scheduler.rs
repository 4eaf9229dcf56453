//! Scheduled backups of a server: at a low priority, not in the first seconds after a start, and no
//! more of them than are to be kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::app::backup;
use crate::app::db::{Db, blocking};
use crate::app::export::ExportError;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::store;
use crate::store::backup::progress::CancelFlag;
use crate::store::error::StoreError;

/// The longest pause before the first backup, and between two.
const MAX_START_DELAY: Duration = Duration::from_secs(60);
/// The longest pause after a failure.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(600);
/// The clock is read at least this often: it, and not the time slept, says when a backup is due.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(60);
const TIME_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// When backups are taken, where they are written, and how many are kept.
#[derive(Debug, Clone)]
pub struct BackupSchedule {
    pub folder: PathBuf,
    pub every: Duration,
    pub keep: usize,
}

/// The running schedule.
#[derive(Debug)]
pub(crate) struct SchedulerHandle(JoinHandle<()>);

impl SchedulerHandle {
    /// Waits for the end after the shutdown was requested. A backup under way is cancelled, and
    /// nothing of it stays; one that does not end within `limit`, on a machine that is never idle or
    /// a disk that does not answer, is left to the end of the process.
    pub(crate) async fn stopped(self, limit: Duration) {
        match timeout(limit, self.0).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the scheduled backups ended with a panic"),
            Err(_) => {
                tracing::warn!("a backup does not end; the next one removes what it has written")
            }
        }
    }
}

impl BackupSchedule {
    /// Takes backups until `shutdown`.
    pub(crate) fn start(
        self,
        db: &Db,
        shutdown: &CancellationToken,
        runtime: &Handle,
    ) -> SchedulerHandle {
        let worker = BackupWorker { schedule: self, db: db.clone(), cancel: CancelFlag::default() };
        SchedulerHandle(runtime.spawn(Arc::new(worker).run(shutdown.clone())))
    }
}

struct BackupWorker {
    schedule: BackupSchedule,
    db: Db,
    cancel: CancelFlag,
}

impl BackupWorker {
    async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let every = self.schedule.every;
        let jitter = |max: Duration| (every / 10).min(max).mul_f64(rand::random_range(0.5..1.0));
        let Ok(due) = self.on_thread(&shutdown, Self::until_due).await else { return };
        let mut wait = jitter(MAX_START_DELAY).max(due);
        loop {
            while !wait.is_zero() {
                let part = wait.min(CLOCK_CHECK_INTERVAL);
                if shutdown.run_until_cancelled(sleep(part)).await.is_none() {
                    return;
                }
                let Ok(due) = self.on_thread(&shutdown, Self::until_due).await else { return };
                wait = wait.saturating_sub(part).min(due.max(MAX_START_DELAY));
            }
            let Ok(taken) = self.on_thread(&shutdown, Self::take).await else { return };
            wait = match taken {
                _ if shutdown.is_cancelled() => return,
                Ok(due) => due.max(jitter(MAX_START_DELAY)),
                Err(error) => {
                    tracing::error!(%error, "no backup could be taken; trying again later");
                    jitter(MAX_RETRY_DELAY)
                }
            };
        }
    }

    /// Runs a step on a thread for blocking work, and waits for its end: a shutdown only sets the
    /// flag that cancels a backup.
    async fn on_thread<T: Send + 'static>(
        self: &Arc<Self>,
        shutdown: &CancellationToken,
        step: fn(&Self) -> T,
    ) -> Result<T, StoreError> {
        let worker = Arc::clone(self);
        let mut done = std::pin::pin!(blocking(move || step(&worker)));
        tokio::select! {
            done = &mut done => done,
            () = shutdown.cancelled() => {
                self.cancel.store(true, Ordering::Relaxed);
                done.await
            }
        }
    }

    /// How long until the newest backup is old enough.
    fn until_due(&self) -> Duration {
        let newest = newest(&self.schedule.folder, self.db.path());
        let age = newest.map(|newest| self.db.clock().now() - newest.taken_at);
        // A time in the future is of a clock that was set back.
        let age = age.filter(|age| *age >= TimeDelta::zero()).and_then(|age| age.to_std().ok());
        age.map_or(Duration::ZERO, |age| self.schedule.every.saturating_sub(age))
    }

    /// Takes a backup, removes those that are not kept, and returns how long until the next is due.
    fn take(&self) -> Result<Duration, ExportError> {
        let (folder, database) = (&self.schedule.folder, self.db.path());
        fs::create_dir_all(folder)?;
        self.remove_unfinished()?;
        let time = self.db.clock().now().format(TIME_FORMAT);
        let target = folder.join(format!("{}{time}.db", prefix(database)));
        let summary = backup::write_file(database, &target, &self.cancel, &mut |_, _| ())?;
        self.db.write_blocking(backup::audit_job(&summary, Some(&target), ACTOR_SCHEDULE))?;
        let (file, leads, sha256) = (target.display(), summary.leads, summary.sha256);
        tracing::info!(%file, leads, bytes = summary.bytes, sha256, "a backup was taken and verified");
        for old in list(folder, database).iter().rev().skip(self.schedule.keep) {
            fs::remove_file(&old.path)?;
        }
        Ok(self.until_due())
    }

    /// Removes what a process that was killed has left; only one server at a time writes these
    /// names.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.schedule.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = name.strip_suffix(".partial");
            if name.and_then(|name| time_of(name, self.db.path())).is_some() {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// A backup of the schedule; it was verified before it got its name.
#[derive(Debug, Clone)]
pub struct BackupFile {
    pub path: PathBuf,
    pub taken_at: DateTime<Utc>,
}

/// The newest scheduled backup of a database in a folder.
#[must_use]
pub fn newest(folder: &Path, database: &Path) -> Option<BackupFile> {
    list(folder, database).pop()
}

/// The scheduled backups of a database in a folder, recognised by their names, oldest first.
fn list(folder: &Path, database: &Path) -> Vec<BackupFile> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut backups: Vec<BackupFile> = entries
        .filter_map(|entry| {
            let taken_at = time_of(entry.file_name().to_str()?, database)?;
            Some(BackupFile { path: entry.path(), taken_at })
        })
        .filter(|backup| store::backup::checksum_trailer::has_trailer(&backup.path))
        .collect();
    backups.sort_by_key(|backup| backup.taken_at);
    backups
}

fn prefix(database: &Path) -> String {
    let stem = database.file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}-")
}

fn time_of(name: &str, database: &Path) -> Option<DateTime<Utc>> {
    let time = name.strip_prefix(&prefix(database))?.strip_suffix(".db")?;
    Some(NaiveDateTime::parse_from_str(time, TIME_FORMAT).ok()?.and_utc())
}
