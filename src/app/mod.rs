//! Use cases: each one transaction or one read, the same for the admin page and the shell. Nothing
//! here depends on HTTP or on the command line.

pub mod admin_state;
pub(crate) mod alerts;
pub mod atomic_file;
pub mod audit;
pub mod backup;
pub(crate) mod canary;
pub mod certificate;
pub(crate) mod daily;
pub mod db;
pub mod demo;
pub(crate) mod digest;
pub(crate) mod erasure_wiper;
pub mod export;
pub mod import;
pub mod intake;
pub mod leads;
pub(crate) mod leftovers;
pub mod live;
pub mod migrate;
pub mod notices;
pub mod privacy;
pub mod reconcile;
pub mod refused;
pub(crate) mod retention;
pub(crate) mod search_index_health;
pub mod search_index_task;
pub mod staff;
pub mod stats;
pub mod status;

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::admin_state::AdminState;
use crate::app::backup::folder::BackupSchedule;
use crate::app::backup::monitor::BackupMonitor;
use crate::app::backup::scheduler::SchedulerHandle;
use crate::app::certificate::store::CertificateStore;
use crate::app::db::Db;
use crate::app::intake::Intake;
use crate::app::notices::settings::NoticeSettings;
use crate::app::refused::counts_task;
use crate::app::refused::keeper::RefusedKeeper;
use crate::app::refused::retention::RefusedRetention;
use crate::app::retention::Retention;
use crate::app::status::chain_monitor::ChainMonitor;
use crate::app::status::metrics_reader::MetricsReader;
use crate::app::status::server_status::StatusReader;
use crate::app::status::server_watch::ServerWatch;
use crate::app::status::silence_monitor::SilenceMonitor;
use crate::clock::Clock;
use crate::store::error::StoreError;
use crate::store::writer::WriterThread;

/// How long the end waits for blocking reads that are still running.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// What the HTTP routes call; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub db: Db,
    pub intake: Intake,
    pub admin: AdminState,
    pub metrics: MetricsReader,
}

/// What a server does by itself at intervals.
#[derive(Debug, Default)]
pub struct Schedules {
    pub backups: Option<BackupSchedule>,
    /// Leads older than this are erased.
    pub retention: Option<TimeDelta>,
    /// How often a canary is expected.
    pub canary_every: Option<Duration>,
    /// How long refused submissions are kept.
    pub refused_retention: RefusedRetention,
    /// What the status says of the certificate of HTTPS.
    pub certificate: Option<CertificateStore>,
    /// How staff hear of new leads.
    pub notices: NoticeSettings,
}

impl App {
    /// Starts the writer of a database whose schema is current, what follows its audit log, and the
    /// scheduled backups. End it with [`Background::stop`].
    ///
    /// # Errors
    /// The database cannot be written, or its WAL cannot be truncated.
    pub fn start(
        database: &Path,
        clock: &Clock,
        disk_reserve: u64,
        schedules: Schedules,
        runtime: &Handle,
    ) -> Result<(Self, Background), StoreError> {
        let staff_key = staff::prepare(database, clock)?;
        let channels_prepared = notices::prepare(database, clock, &schedules.notices);
        let (db, writer) = Db::start(database, clock, disk_reserve, runtime)?;
        let shutdown = CancellationToken::new();
        let Schedules { backups, retention, canary_every, refused_retention, certificate, notices } =
            schedules;
        let backups = backups.map(|schedule| (BackupMonitor::new(schedule.every), schedule));
        let monitor = backups.as_ref().map(|(monitor, _)| monitor.clone());
        let (chain, chain_monitor) = ChainMonitor::start(&db, &shutdown, runtime);
        let retention = retention.map(Retention::new);
        let watch = ServerWatch::new(notices.alerts.recent);
        let silence = SilenceMonitor::new(
            notices.silence,
            clock.now().into(),
            notices.alerts.silence_interval,
        );
        let status =
            StatusReader::new(&db, chain, monitor, retention.clone(), certificate, watch, silence)
                .with_canary_every(canary_every);
        alerts::start(&status, &notices, &shutdown, runtime);
        let backup_folder = backups.as_ref().map(|(_, schedule)| schedule.folder.as_path());
        let metrics = MetricsReader::new(&status, backup_folder);
        let admin = AdminState::start(&db, &staff_key, status, &shutdown, runtime);
        let indexing = search_index_task::run(db.clone());
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(indexing));
        let wiping = erasure_wiper::run(db.clone());
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(wiping));
        let cleaning = daily::run(db.clone(), leftovers::clean);
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(cleaning));
        notices::start(&db, &notices, channels_prepared, &shutdown, runtime);
        let tidying = daily::run(db.clone(), notices::clean);
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(tidying));
        let erasing = daily::run(db.clone(), canary::erase_old);
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(erasing));
        let keeper = RefusedKeeper::new(&db, refused_retention);
        let counting = counts_task::run(db.clone(), keeper.clone(), shutdown.clone());
        let counting = runtime.spawn(counting);
        let forgetting = daily::run(db.clone(), move |db| refused_retention.purge(db));
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(forgetting));
        let intake = Intake { db: db.clone(), keeper };
        if let Some(retention) = retention {
            let erasing = daily::run(db.clone(), move |db| retention.erase(db));
            runtime.spawn(shutdown.clone().run_until_cancelled_owned(erasing));
        }
        let scheduler =
            backups.map(|(monitor, schedule)| schedule.start(&db, monitor, &shutdown, runtime));
        let background =
            Background { shutdown, db: db.clone(), scheduler, chain_monitor, counting, writer };
        Ok((Self { db, intake, admin, metrics }, background))
    }
}

/// What a server runs besides its requests.
#[derive(Debug)]
pub struct Background {
    shutdown: CancellationToken,
    db: Db,
    scheduler: Option<SchedulerHandle>,
    chain_monitor: JoinHandle<()>,
    counting: JoinHandle<()>,
    writer: WriterThread,
}

impl Background {
    /// Cancelling it ends the live events, the search indexer, the scheduled backups and the chain
    /// monitor; requests go on being answered.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Ends everything, once no more requests are served: a backup or verification under way is
    /// cancelled, and the writer finishes what is queued and truncates the WAL. Waits no longer than
    /// `limit`, of which what is cancelled may use half. Returns whether the writer has ended; if not, the disk does not
    /// answer, and nothing that waits for it was acknowledged.
    #[must_use]
    pub fn stop(self, runtime: Runtime, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        self.shutdown.cancel();
        // While one of them reads, the WAL cannot be truncated.
        runtime.block_on(async {
            let verification = timeout(limit / 2, self.chain_monitor);
            let backup = async {
                if let Some(scheduler) = self.scheduler {
                    scheduler.stopped(limit / 2).await;
                }
            };
            let counting = timeout(limit / 2, self.counting);
            let _ = tokio::join!(verification, backup, counting);
        });
        // Ends the tasks, and waits for reads that are still running.
        runtime.shutdown_timeout(READ_TIMEOUT);
        self.db.close();
        self.writer.join_within(deadline.saturating_duration_since(Instant::now()))
    }
}
