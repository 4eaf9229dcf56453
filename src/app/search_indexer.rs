//! Keeps the index that leads are found by close behind the audit log, without getting in the way
//! of those who send leads.

use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::app::admin_state::AdminState;
use crate::store;

/// How often commits of other processes are looked for.
const POLL: Duration = Duration::from_secs(2);
/// Audit rows in one step: the writer does nothing else meanwhile.
const STEP: u32 = 256;
/// How long a few rows wait for more: a step for each lead would cost the next one a commit.
const GATHER: Duration = Duration::from_millis(500);
/// Audit rows a second from which on the index keeps out of the way: it falls behind then, and not
/// the leads …
const BUSY: f64 = 500.0;
/// … since for each moment that a step took, it takes so many without one.
const REST: u32 = 32;
/// After a failure, which the writer has told about.
const RETRY: Duration = Duration::from_secs(5);

/// Follows for as long as the runtime lives. Wakes when `commits` tells of one.
pub(crate) async fn follow(state: AdminState, mut commits: watch::Receiver<()>) {
    let mut seen = Seen { rows: 0, at: Instant::now() };
    loop {
        commits.mark_unchanged();
        match step(&state, &mut seen).await {
            Ok(Some(rest)) => sleep(rest).await,
            // Nothing is missed by an end of waiting that tells of nothing: it is looked at anyway.
            Ok(None) => drop(timeout(POLL, commits.changed()).await),
            Err(error) => {
                tracing::debug!(%error, "the search index waits");
                sleep(RETRY).await;
            }
        }
    }
}

/// How many audit rows there were when they were last looked at.
struct Seen {
    rows: i64,
    at: Instant,
}

/// One step, and how long to rest after it; none where there is nothing left to do.
async fn step(state: &AdminState, seen: &mut Seen) -> Result<Option<Duration>, StoreError> {
    let look = |s: &ReadTx<'_>| Ok((s.head()?.map_or(0, |h| h.seq), s.search_lag()?));
    let (rows, behind) = state.read(look).await?;
    let before = std::mem::replace(seen, Seen { rows, at: Instant::now() });
    let rate = (rows - before.rows) as f64 / (seen.at - before.at).as_secs_f64();
    match behind {
        ..=0 => return Ok(None),
        few if few < i64::from(STEP) => sleep(GATHER).await,
        _ => {}
    }
    let began = Instant::now();
    state.write(|tx| store::search::index::index_next(tx, STEP)).await?;
    Ok(Some(began.elapsed() * if rate > BUSY { REST } else { 1 }))
}
