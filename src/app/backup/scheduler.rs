//! Backups that a server takes by itself: in a thread of their own, at a low priority, not in the first
//! seconds after a start, and no more of them than are to be kept.

use crate::store::writer::join_timeout;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::app::backup;
use crate::app::export::ExportError;
use crate::clock::Clock;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::store;
use crate::store::backup::progress::CancelFlag;

/// The longest wait after a start or a failure, and between two looks at the clock.
const LONGEST: [Duration; 3] =
    [Duration::from_secs(60), Duration::from_secs(600), Duration::from_secs(60)];
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// When backups are taken, where they go, and how many stay.
#[derive(Debug, Clone)]
pub struct BackupSchedule {
    pub folder: PathBuf,
    pub every: Duration,
    pub keep: usize,
}

/// The thread; it ends when this is told to stop.
#[derive(Debug)]
pub struct SchedulerHandle {
    stop: CancelFlag,
    wake: Sender<()>,
    thread: JoinHandle<()>,
}

impl SchedulerHandle {
    /// Ends it, and a backup that is under way, of which nothing stays. One that does not end within
    /// this time, on a machine that is never idle or a disk that does not answer, is left to the
    /// end of the process.
    pub fn stop(self, patience: Duration) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.wake);
        if !join_timeout(&self.thread, patience) {
            tracing::warn!("a backup does not end; what it has written is removed by the next one");
        } else if self.thread.join().is_err() {
            tracing::error!("the backups ended with a panic");
        }
    }
}

impl BackupSchedule {
    /// Takes backups from now on.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(self, database: &Path, clock: &Clock) -> io::Result<SchedulerHandle> {
        let (wake, woken) = channel();
        let stop = CancelFlag::default();
        let keeper = BackupWorker {
            schedule: self,
            database: database.to_owned(),
            clock: clock.clone(),
            stop: Arc::clone(&stop),
        };
        let run = move || keeper.run(&woken);
        let thread = std::thread::Builder::new().name("backups".to_owned()).spawn(run)?;
        Ok(SchedulerHandle { stop, wake, thread })
    }
}

struct BackupWorker {
    schedule: BackupSchedule,
    database: PathBuf,
    clock: Clock,
    stop: CancelFlag,
}

impl BackupWorker {
    fn run(&self, woken: &Receiver<()>) {
        let every = self.schedule.every;
        let at_least =
            |longest: Duration| (every / 10).min(longest).mul_f64(rand::random_range(0.5..1.0));
        let mut wait = at_least(LONGEST[0]).max(self.until_due());
        loop {
            while !wait.is_zero() {
                let part = wait.min(LONGEST[2]);
                if !matches!(woken.recv_timeout(part), Err(RecvTimeoutError::Timeout)) {
                    return;
                }
                // The system's clock decides, not how long this thread slept.
                wait = wait.saturating_sub(part).min(self.until_due().max(LONGEST[0]));
            }
            wait = match self.take() {
                Ok(()) => self.until_due().max(at_least(LONGEST[0])),
                Err(_) if self.stop.load(Ordering::Relaxed) => return,
                Err(error) => {
                    tracing::error!(%error, "no backup could be taken; it is tried again");
                    at_least(LONGEST[1])
                }
            };
        }
    }

    /// How long until the newest backup is old enough.
    fn until_due(&self) -> Duration {
        let newest = newest(&self.schedule.folder, &self.database);
        let age = newest.map(|newest| self.clock.now() - newest.taken_at);
        // One of the future is of a clock that was set back.
        let age = age.filter(|age| *age >= TimeDelta::zero()).and_then(|age| age.to_std().ok());
        age.map_or(Duration::ZERO, |age| self.schedule.every.saturating_sub(age))
    }

    fn take(&self) -> Result<(), ExportError> {
        let folder = &self.schedule.folder;
        fs::create_dir_all(folder)?;
        self.remove_unfinished()?;
        let time = self.clock.now().format(TIME);
        let target = folder.join(format!("{}{time}.db", prefix(&self.database)));
        let taken = {
            let quiet = &mut |_, _| ();
            backup::create(&self.database, &self.clock, &target, &self.stop, ACTOR_SCHEDULE, quiet)?
        };
        let (file, leads, sha256) = (target.display(), taken.leads, taken.sha256);
        tracing::info!(%file, leads, bytes = taken.bytes, sha256, "a backup was taken and checked");
        for old in kept(folder, &self.database).iter().rev().skip(self.schedule.keep) {
            fs::remove_file(&old.path)?;
        }
        Ok(())
    }

    /// What a process that was killed has left; only one server at a time writes these names.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.schedule.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let unfinished = name.strip_suffix(".partial").and_then(|n| time_of(n, &self.database));
            if unfinished.is_some() {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// A backup that the schedule has taken; it was checked before it got its name.
#[derive(Debug, Clone)]
pub struct BackupFile {
    pub path: PathBuf,
    pub taken_at: DateTime<Utc>,
}

/// The newest of a database's backups in a folder.
#[must_use]
pub fn newest(folder: &Path, database: &Path) -> Option<BackupFile> {
    kept(folder, database).pop()
}

/// A database's backups in a folder, by the names that the schedule gives, the oldest first.
fn kept(folder: &Path, database: &Path) -> Vec<BackupFile> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept: Vec<BackupFile> = entries
        .filter_map(|entry| {
            let taken_at = time_of(entry.file_name().to_str()?, database)?;
            Some(BackupFile { path: entry.path(), taken_at })
        })
        .filter(|kept| store::backup::checksum_trailer::has_trailer(&kept.path))
        .collect();
    kept.sort_by_key(|kept| kept.taken_at);
    kept
}

fn prefix(database: &Path) -> String {
    let stem = database.file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}-")
}

fn time_of(name: &str, database: &Path) -> Option<DateTime<Utc>> {
    let time = name.strip_prefix(&prefix(database))?.strip_suffix(".db")?;
    Some(NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc())
}
