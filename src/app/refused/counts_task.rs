//! Writes the counts of what was refused and not kept, now and then rather than each time: nothing of a flood
//! waits in the writer's queue.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::db::Db;
use crate::app::refused::keeper::RefusedKeeper;
use crate::store::refused::keep;

const INTERVAL: Duration = Duration::from_secs(2);

/// Writes until `shutdown`, then once more.
pub(crate) async fn run(db: Db, keeper: RefusedKeeper, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(sleep(INTERVAL)).await.is_some() {
        write(&db, &keeper).await;
    }
    write(&db, &keeper).await;
}

async fn write(db: &Db, keeper: &RefusedKeeper) {
    let counts = keeper.take_counts();
    if counts == (0, 0) {
        return;
    }
    let (over_budget, too_large) = counts;
    if let Err(error) = db.maintain(move |tx| keep::add_counts(tx, over_budget, too_large)).await {
        tracing::debug!(%error, "the counts of refused submissions could not be written yet");
        keeper.return_counts(counts);
    }
}
