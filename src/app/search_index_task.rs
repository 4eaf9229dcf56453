//! Indexes new leads for the search shortly after they are stored, without delaying those who send
//! leads.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::app::db::Db;
use crate::store;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// How often the audit log is read for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Audit rows per step, and the time after which a step ends sooner: the writer does nothing else during
/// one.
const STEP_ROWS: u32 = 256;
const STEP_TIME: Duration = Duration::from_millis(1);
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
    let mut seen = Seen { rows: 0, at: Instant::now() };
    let mut rebuilt_at: Option<Instant> = None;
    let mut is_reported = false;
    loop {
        commits.mark_unchanged();
        match step(&db, &mut seen).await {
            Ok(rest) => {
                is_reported = false;
                match rest {
                    Some(rest) => sleep(rest).await,
                    None => drop(timeout(POLL_INTERVAL, commits.changed()).await),
                }
            }
            Err(error) if !is_damage(&error) => {
                tracing::debug!(%error, "the search index waits");
                sleep(RETRY_DELAY).await;
            }
            Err(error) if rebuilt_at.is_none_or(|at| at.elapsed() > REBUILD_INTERVAL) => {
                tracing::error!(%error, "the search index is damaged; rebuilding it from the leads");
                rebuilt_at = Some(Instant::now());
                if let Err(error) = db.maintain(store::search::index::reset).await {
                    tracing::error!(%error, "the search index cannot be rebuilt; run `fastcore check`");
                    is_reported = true;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut is_reported, true) {
                    tracing::error!(%error, "the search index is damaged again; run `fastcore check`");
                }
                sleep(RETRY_DELAY).await;
            }
        }
    }
}

/// Whether an error is about the index rather than about the disk or the end of the server.
fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::Corrupt(_) | StoreError::Refused(_) | StoreError::Sqlite(_))
}

/// The number of audit rows at the last look.
struct Seen {
    rows: i64,
    at: Instant,
}

/// Does one step; returns how long to rest after it, or `None` when everything is indexed.
async fn step(db: &Db, seen: &mut Seen) -> Result<Option<Duration>, StoreError> {
    let look = |tx: &ReadTx<'_>| Ok((tx.head()?.map_or(0, |head| head.seq), tx.search_lag()?));
    let (rows, lag) = db.read(look).await?;
    let before = std::mem::replace(seen, Seen { rows, at: Instant::now() });
    let rate = (rows - before.rows) as f64 / (seen.at - before.at).as_secs_f64();
    match lag {
        ..=0 => return Ok(None),
        few if few < i64::from(STEP_ROWS) => sleep(GATHER_DELAY).await,
        _ => {}
    }
    let began = Instant::now();
    db.maintain(|tx| store::search::index::index_next(tx, STEP_ROWS, STEP_TIME)).await?;
    let rest = if rate > BUSY_ROWS_PER_SECOND { BUSY_REST_FACTOR } else { 1 };
    Ok(Some(began.elapsed() * rest))
}
