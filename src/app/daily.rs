//! What a server does once a day.

use std::time::Duration;

use tokio::time::sleep;

use crate::app::db::{Db, blocking};

/// The start of a server is for its leads.
const START_DELAY: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Runs work on a thread for blocking work, soon after the start and then daily, for as long as the runtime
/// lives.
pub(crate) async fn run(db: Db, work: impl Fn(&Db) + Clone + Send + 'static) {
    sleep(START_DELAY).await;
    loop {
        let (db, work) = (db.clone(), work.clone());
        if let Err(error) = blocking(move || work(&db)).await {
            tracing::debug!(%error, "daily work could not be done");
        }
        sleep(INTERVAL).await;
    }
}
