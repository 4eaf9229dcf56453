//! Scheduled backups of a server: at a low priority, not in the first seconds after a start, and no
//! more of them than are to be kept.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::app::backup;
use crate::app::backup::folder::{self, BackupSchedule, DatedBackups};
use crate::app::backup::monitor::{BackupMonitor, LastSuccess};
use crate::app::db::{Db, blocking};
use crate::app::export::error::ExportError;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::store::backup::progress::CancelFlag;
use crate::store::error::StoreError;

/// The longest pause before the first backup, and between two.
const MAX_START_DELAY: Duration = Duration::from_secs(60);
/// The longest pause after a failure.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(600);
/// The clock is read at least this often: a machine that was asleep has missed a backup.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(60);

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
    /// Takes backups until `shutdown`, and reports to the monitor.
    pub(crate) fn start(
        self,
        db: &Db,
        monitor: BackupMonitor,
        shutdown: &CancellationToken,
        runtime: &Handle,
    ) -> SchedulerHandle {
        let (db, cancel) = (db.clone(), CancelFlag::default());
        let worker = BackupWorker { schedule: self, db, monitor, cancel };
        SchedulerHandle(runtime.spawn(Arc::new(worker).run(shutdown.clone())))
    }
}

struct BackupWorker {
    schedule: BackupSchedule,
    db: Db,
    monitor: BackupMonitor,
    cancel: CancelFlag,
}

impl BackupWorker {
    async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let every = self.schedule.every;
        let jitter = |max: Duration| (every / 10).min(max).mul_f64(rand::random_range(0.5..1.0));
        let Ok(mut last) = self.on_thread(&shutdown, Self::begin).await else { return };
        let mut wait = self.until_due(last.as_ref()).max(jitter(MAX_START_DELAY));
        loop {
            if !self.sleep(&shutdown, wait, last.as_ref()).await {
                return;
            }
            let Ok(taken) = self.on_thread(&shutdown, Self::take).await else { return };
            wait = match taken {
                _ if shutdown.is_cancelled() => return,
                Ok(taken) => {
                    self.monitor.set_failure(None);
                    last = Some(taken);
                    self.until_due(last.as_ref()).max(jitter(MAX_START_DELAY))
                }
                Err(error) => {
                    tracing::error!(%error, "no backup could be taken; trying again later");
                    self.monitor.set_failure(Some(error.to_string()));
                    last = None;
                    jitter(MAX_RETRY_DELAY)
                }
            };
        }
    }

    /// Waits; less long if the clock says that the next backup is due. Returns false at the shutdown.
    async fn sleep(
        &self,
        shutdown: &CancellationToken,
        wait: Duration,
        last: Option<&LastSuccess>,
    ) -> bool {
        let end = Instant::now() + wait;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let part = sleep(left.min(CLOCK_CHECK_INTERVAL));
            if shutdown.run_until_cancelled(part).await.is_none() {
                return false;
            }
            if last.is_some() && self.until_due(last).is_zero() {
                return true;
            }
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

    /// How long until the last backup is old enough.
    fn until_due(&self, last: Option<&LastSuccess>) -> Duration {
        let age = last.map(|last| last.age(self.db.clock().now()));
        age.map_or(Duration::ZERO, |age| self.schedule.every.saturating_sub(age))
    }

    /// Says what is missing, and finds the newest backup that is not dated in the future.
    fn begin(&self) -> Option<LastSuccess> {
        if let Err(error) = folder::make_usable(&self.schedule.folder, self.db.path()) {
            tracing::warn!(%error, "the backup folder cannot be used; leads are stored without backups");
            self.monitor.set_failure(Some(error.to_string()));
            return None;
        }
        let newest = self.dated().ok()?.plausible.pop()?;
        Some(LastSuccess::new(newest.taken_at, self.db.clock().now()))
    }

    /// Takes a backup and removes those that are not kept.
    fn take(&self) -> Result<LastSuccess, ExportError> {
        let (backups, database) = (&self.schedule.folder, self.db.path());
        folder::make_usable(backups, database)?;
        self.remove_unfinished().map_err(StoreError::at(backups))?;
        let now = self.db.clock().now();
        let began = LastSuccess::new(now, now);
        let target = folder::path_of(backups, database, now);
        let summary = backup::write_file(database, &target, &self.cancel, &mut |_, _| ())?;
        self.db.write_blocking(backup::audit_job(&summary, Some(&target), ACTOR_SCHEDULE))?;
        let (file, leads, sha256) = (target.display(), summary.leads, summary.sha256);
        tracing::info!(%file, leads, bytes = summary.bytes, sha256, "a backup was taken and verified");
        if let Some(fault) = summary.index_fault {
            self.db.index_health().report(&StoreError::DamagedIndex(fault));
        }
        if let Some(error) = &summary.ledger_error {
            tracing::error!(
                error,
                "the erasure ledger in the backup folder could not be completed"
            );
        }
        self.monitor.set_ledger_failure(summary.ledger_error);
        // The one just taken is one of those that are kept, whatever its name says.
        let dated = self.dated().map_err(StoreError::at(backups))?;
        let others = dated.plausible.iter().rev().filter(|backup| backup.path != target);
        for old in others.skip(self.schedule.keep - 1) {
            fs::remove_file(&old.path).map_err(StoreError::at(&old.path))?;
        }
        Ok(began)
    }

    /// The backups in the folder. Those dated in the future do not count, and are reported.
    fn dated(&self) -> io::Result<DatedBackups> {
        let (backups, now) = (&self.schedule.folder, self.db.clock().now());
        let dated = folder::list(backups, self.db.path(), now)?;
        self.monitor.set_future_files(dated.future.len());
        if let Some(newest) = dated.future.last() {
            let (files, newest) = (dated.future.len(), newest.path.display());
            tracing::warn!(files, %newest, "backups are dated in the future: they are not counted, and not deleted");
        }
        Ok(dated)
    }

    /// Removes what a process that was killed has left; only one server at a time writes these
    /// names.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.schedule.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = name.strip_suffix(".partial");
            if name.and_then(|name| folder::time_of(name, self.db.path())).is_some() {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}
