//! Notices: staff hear of new leads by mail and by webhooks, and the operator of trouble. Each channel follows the audit log with a cursor of
//! its own in the database; a lead is never delayed by one, and nothing is missed after a crash.

pub(crate) mod channel;
mod channel_task;
mod mail;
pub(crate) mod message;
pub mod outbox;
pub(crate) mod send_error;
pub mod settings;
mod webhook;

use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::db::{self, Db};
use crate::app::notices::channel::Channel;
use crate::app::notices::channel_task::RETRY_DELAY;
use crate::app::notices::settings::NoticeSettings;
use crate::clock::Clock;
use crate::domain::notice::ChannelName;
use crate::store::error::StoreError;
use crate::store::notices::channels::ConfiguredChannel;
use crate::store::notices::{channels, outbox as notice_rows};
use crate::store::read::ReadPool;
use crate::store::tx::WriteTx;

/// How long notices that were sent or given up are kept, for the history of their leads.
const KEPT: TimeDelta = TimeDelta::days(90);

/// The channels that these settings give.
pub(crate) fn channels_of(settings: &NoticeSettings) -> Vec<Channel> {
    let mails = settings.mail.iter().flat_map(|mail| {
        mail.recipients.iter().map(|recipient| Channel::mail(mail, recipient, settings))
    });
    let webhooks = settings.webhooks.iter().map(|target| Channel::webhook(target, settings));
    mails.chain(webhooks).collect()
}

/// Sends a test through every channel; returns each with its failure, if there is one.
pub async fn send_tests(settings: &NoticeSettings) -> Vec<(ChannelName, Result<(), String>)> {
    let mut results = Vec::new();
    for channel in channels_of(settings) {
        let sent = channel.send_test().await.map_err(|error| error.to_string());
        results.push((channel.name().clone(), sent));
    }
    results
}

/// Registers the channels, before the first lead is accepted: a new one announces what comes from here on.
/// Returns whether the database could be written; if not, [`start`] does it as soon as it can be.
pub(crate) fn prepare(database: &Path, clock: &Clock, settings: &NoticeSettings) -> bool {
    let configured = configured(&channels_of(settings));
    let known = ReadPool::open(database).and_then(|pool| pool.read(|tx| tx.channels()));
    if known.is_ok_and(|known| known == configured) {
        return true;
    }
    db::write_once(database, clock, move |tx| configure(tx, &configured)).is_ok()
}

/// Starts the channels; their tasks run until `shutdown`.
pub(crate) fn start(
    db: &Db,
    settings: &NoticeSettings,
    is_prepared: bool,
    shutdown: &CancellationToken,
    runtime: &Handle,
) {
    let running = run(db.clone(), channels_of(settings), is_prepared);
    runtime.spawn(shutdown.clone().run_until_cancelled_owned(running));
}

async fn run(db: Db, channels: Vec<Channel>, mut is_prepared: bool) {
    while !is_prepared {
        let configured = configured(&channels);
        match db.maintain(move |tx| configure(tx, &configured)).await {
            Ok(()) => is_prepared = true,
            Err(error) => {
                tracing::debug!(%error, "notices wait for the database");
                sleep(RETRY_DELAY).await;
            }
        }
    }
    let channels = channels.into_iter().map(|channel| {
        let db = db.clone();
        let channel = Arc::new(channel);
        respawn("a channel of notices", move || channel_task::run(db.clone(), Arc::clone(&channel)))
    });
    join_all(channels).await;
}

/// Runs what ends with the runtime alone in a task of its own, and again after a panic: that must end nothing else.
pub(crate) async fn respawn<F>(name: &str, task: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    loop {
        tasks.spawn(task());
        match tasks.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(%error, "{name} has stopped; it begins again");
                sleep(RETRY_DELAY).await;
            }
            _ => return,
        }
    }
}

fn configure(tx: &mut WriteTx<'_>, configured: &[ConfiguredChannel]) -> Result<(), StoreError> {
    let notices = channels::configure(tx, configured)?;
    if notices > 0 {
        tracing::warn!(notices, "notices of channels that are no longer configured are given up");
    }
    Ok(())
}

/// Sorted.
fn configured(channels: &[Channel]) -> Vec<ConfiguredChannel> {
    let of = |channel: &Channel| ConfiguredChannel {
        name: channel.name().clone(),
        for_leads: channel.uses().leads,
    };
    let mut configured: Vec<ConfiguredChannel> = channels.iter().map(of).collect();
    configured.sort_unstable();
    configured
}

/// Removes what ended long ago.
pub(crate) fn clean(db: &Db) {
    let before = db.clock().now() - KEPT;
    let removed = db.write_blocking(move |tx| notice_rows::remove_ended(tx, before.into()));
    if let Err(error) = removed {
        tracing::warn!(%error, "old notices could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_task_that_panics_begins_again_and_ends_nothing_else() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        runtime.block_on(respawn("a task", move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert_ne!(run, 0, "the first one panics") }
        }));
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }
}
