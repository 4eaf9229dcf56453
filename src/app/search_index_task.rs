//! Indexes new leads for the search shortly after they are stored, without delaying those who send
//! leads.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::app::db::Db;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::search::index;
use crate::store::tx::WriteTx;

/// How often the audit log is read for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Audit rows per step, and the time after which a step ends sooner: the writer does nothing else during
/// one.
const STEP_ROWS: u32 = 256;
const STEP_TIME: Duration = Duration::from_millis(1);
/// The same while no row was added since the last step, as after an import: a lead that arrives then waits for so
/// long, and pages of the inbox are slow until the index has all leads.
const QUIET_STEP_ROWS: u32 = 4096;
const QUIET_STEP_TIME: Duration = Duration::from_millis(10);
/// How long a few rows wait for more: one step per lead would cost the next lead a commit.
const GATHER_DELAY: Duration = Duration::from_millis(500);
/// Above this many audit rows per second the indexer slows down, so that it falls behind rather
/// than the leads …
const BUSY_ROWS_PER_SECOND: f64 = 500.0;
/// … and rests this many times as long as its last step took.
const BUSY_REST_FACTOR: u32 = 32;
/// The pause after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// A rebuilt index that fails again within this time is left as it is: the leads may be damaged.
const REBUILD_INTERVAL: Duration = Duration::from_secs(3600);

/// Indexes for as long as the runtime lives; wakes on every commit of this process. An index that is
/// damaged is rebuilt.
pub(crate) async fn run(db: Db) {
    let mut commits = db.commits();
    // A merge may have been interrupted.
    let mut progress =
        IndexProgress { rows: 0, at: Instant::now(), left_rows: false, may_merge: true };
    let mut rebuilt_at: Option<Instant> = None;
    loop {
        commits.mark_unchanged();
        let stepped = match db.index_health().damage() {
            Some(error) => Err(error),
            None => step(&db, &mut progress).await,
        };
        match stepped {
            Ok(Some(rest)) => sleep(rest).await,
            Ok(None) => {
                if db.index_health().set_complete() {
                    tracing::info!("the search index is complete again");
                }
                drop(timeout(POLL_INTERVAL, commits.changed()).await);
            }
            Err(error) if !is_damage(&error) => {
                tracing::debug!(%error, "the search index waits");
                sleep(RETRY_DELAY).await;
            }
            Err(error) => {
                let may_rebuild = rebuilt_at.is_none_or(|at| at.elapsed() > REBUILD_INTERVAL);
                if may_rebuild {
                    tracing::error!(%error, "building the search index again from the leads");
                    rebuilt_at = Some(Instant::now());
                    progress.may_merge = true;
                }
                let rebuilding = match may_rebuild {
                    true => db.maintain(index::reset).await,
                    false => Err(error),
                };
                if let Err(error) = rebuilding {
                    if db.index_health().set_broken(&error) {
                        tracing::error!(%error, "the search index is damaged again; run `fastcore check`");
                    }
                    sleep(RETRY_DELAY).await;
                } else {
                    db.index_health().set_rebuilding();
                }
            }
        }
    }
}

/// Whether an error is about the index rather than about the disk or the end of the server.
fn is_damage(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::DamagedIndex(_)
            | StoreError::Corrupt(_)
            | StoreError::Refused(_)
            | StoreError::Sqlite(_)
    )
}

/// What the last step has seen and left.
struct IndexProgress {
    /// The number of audit rows.
    rows: i64,
    at: Instant,
    /// Whether its time was over before all of them were indexed.
    left_rows: bool,
    /// Whether lists of the index may be left to merge.
    may_merge: bool,
}

/// Does one step; returns how long to rest after it, or `None` when nothing is left to do.
async fn step(db: &Db, progress: &mut IndexProgress) -> Result<Option<Duration>, StoreError> {
    let look = |tx: &ReadTx<'_>| Ok((tx.head()?.map_or(0, |head| head.seq), tx.search_lag()?));
    let (rows, lag) = db.read(look).await?;
    let now = Instant::now();
    let added = rows - progress.rows;
    let rate = added as f64 / (now - progress.at).as_secs_f64();
    (progress.rows, progress.at) = (rows, now);
    if lag <= 0 && !progress.may_merge {
        return Ok(None);
    }
    if !progress.left_rows && (1..i64::from(STEP_ROWS)).contains(&lag) {
        sleep(GATHER_DELAY).await;
    }
    let began = Instant::now();
    if lag > 0 {
        let (max_rows, max_time) = match added {
            0 => (QUIET_STEP_ROWS, QUIET_STEP_TIME),
            _ => (STEP_ROWS, STEP_TIME),
        };
        let step = move |tx: &mut WriteTx<'_>| index::index_next(tx, max_rows, max_time);
        progress.left_rows = db.maintain(step).await? < rows;
        progress.may_merge = true;
    }
    if progress.may_merge {
        progress.may_merge = db.maintain(index::merge_next).await?;
    }
    let rest = if rate > BUSY_ROWS_PER_SECOND { BUSY_REST_FACTOR } else { 1 };
    Ok(Some(began.elapsed() * rest))
}
