//! Overwrites what is left of erased leads where the command that erased them could not, because another
//! process was reading.

use std::time::Duration;

use tokio::time::sleep;

use crate::app::db::Db;
use crate::store::db::wal_tail::{self, WalStart};
use crate::store::db::wipe::{self, WipePlan};
use crate::store::error::StoreError;

/// How often the audit log is read for erasures. A command does its own first.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How often the readers of old pages are looked for.
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// Pages that are overwritten in one step, for which leads wait.
const STEP_PAGES: usize = 16;

/// Wipes for as long as the runtime lives.
pub(crate) async fn run(db: Db) {
    loop {
        if let Err(error) = wipe_if_pending(&db).await {
            tracing::debug!(%error, "what is left of erased leads could not be overwritten yet");
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn wipe_if_pending(db: &Db) -> Result<(), StoreError> {
    if !db.read(|tx| tx.is_wipe_pending()).await? {
        return Ok(());
    }
    let WipePlan { through, pages } = db.read(|tx| WipePlan::scan(tx.0, &mut |_| ())).await?;
    // Without a list of pages, the whole file would be rewritten: that is left to a command.
    let Some(pages) = pages else { return Ok(()) };
    for step in pages.chunks(STEP_PAGES) {
        let step = step.to_vec();
        db.maintain(move |tx| wipe::wipe_pages(tx.conn, &step)).await?;
    }
    // The WAL has the pages as they were. A replicating program reads it all the time, and so keeps it from
    // being truncated, but lets SQLite begin it again now and then.
    let path = db.path().to_owned();
    let start = db.maintain(move |_| wal_tail::start_of(&path)).await?;
    while !(db.truncate_wal().await? || cut_wal_tail(db, start).await?) {
        sleep(RETRY_DELAY).await;
    }
    db.maintain(move |tx| wipe::record_wiped(tx.conn, through)).await?;
    tracing::info!(pages = pages.len(), "what was left of erased leads is overwritten");
    Ok(())
}

/// Whether the WAL has been begun again and what was written before is gone.
async fn cut_wal_tail(db: &Db, start: WalStart) -> Result<bool, StoreError> {
    let path = db.path().to_owned();
    db.maintain(move |_| wal_tail::cut_if_restarted(&path, start)).await
}
