//! Keeps the index that leads are found by close behind the audit log, without getting in the way
//! of those who send leads.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::desk::Desk;
use crate::store;

/// How often commits of other processes are looked for.
const POLL: Duration = Duration::from_secs(2);
/// Audit rows in one step: the writer does nothing else meanwhile.
const STEP: u32 = 256;
/// How long a few rows wait for more: a step for each lead would cost the next one a commit.
const GATHER: Duration = Duration::from_millis(500);
/// For each moment that a step took, so many without one: under load the index falls behind, and
/// not the leads.
const REST: u32 = 5;
/// After a failure, which the writer has told about.
const RETRY: Duration = Duration::from_secs(5);

/// Follows for as long as the runtime lives. Wakes when `commits` tells of one.
pub(super) async fn follow(desk: Desk, mut commits: watch::Receiver<()>) {
    loop {
        commits.mark_unchanged();
        match step(&desk).await {
            Ok(Some(took)) => sleep(took * REST).await,
            // Nothing is missed by an end of waiting that tells of nothing: it is looked at anyway.
            Ok(None) => drop(timeout(POLL, commits.changed()).await),
            Err(error) => {
                tracing::debug!(%error, "the search index waits");
                sleep(RETRY).await;
            }
        }
    }
}

/// One step, and how long it took; none where there is nothing left to do.
async fn step(desk: &Desk) -> Result<Option<Duration>, store::StoreError> {
    match desk.read(|snapshot| snapshot.search_behind()).await? {
        0 => return Ok(None),
        few if few < i64::from(STEP) => sleep(GATHER).await,
        _ => {}
    }
    let began = Instant::now();
    desk.write(|tx| store::advance_search(tx, STEP)).await?;
    Ok(Some(began.elapsed()))
}
