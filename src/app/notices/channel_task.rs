//! The task of one channel: creates its notices from the audit log, sends them, and tries again.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{sleep, timeout};

use crate::app::db::Db;
use crate::app::notices::channel::Channel;
use crate::app::notices::message::{MAX_SHOWN, NoticeMessage};
use crate::app::notices::send_error::SendError;
use crate::app::notices::settings::NoticeTiming;
use crate::domain::notice::Notice;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::notices::channels::{self, ChannelProgress};
use crate::store::notices::outbox::{self, NoticeAttempt};
use crate::store::read::ReadTx;

/// The pause after a failure of the database.
pub(crate) const RETRY_DELAY: Duration = Duration::from_secs(5);
/// How often the database is read for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long after a commit the log is read, so that commits in quick succession are read together.
const GATHER_DELAY: Duration = Duration::from_millis(300);
/// Audit rows that may follow without a lead before the cursor is moved past them.
const MAX_LAG: i64 = 1000;
/// Pending notices, at most, while a receiver refuses some and takes others.
const MAX_PENDING: usize = 100;
/// The longest pause between two attempts, unless the receiver asks for a longer one.
const MAX_BACKOFF: TimeDelta = TimeDelta::hours(1);
/// The longest pause that a receiver may ask for.
const MAX_RETRY_AFTER: TimeDelta = TimeDelta::hours(6);
/// A notice is given up after as many attempts, whatever the clock says.
const MIN_ATTEMPTS: i64 = 8;

/// What the task remembers between steps.
#[derive(Default)]
struct TaskState {
    /// Whether the last attempt found the receiver unavailable: nothing new is created until one succeeds.
    is_down: bool,
    /// Notices that were sent, but whose success could not be recorded yet.
    sent: HashSet<String>,
}

/// Runs for as long as the runtime lives; wakes on every commit of this process.
pub(crate) async fn run(db: Db, channel: Channel) {
    let mut commits = db.commits();
    let mut state = TaskState::default();
    loop {
        commits.mark_unchanged();
        match step(&db, &channel, &mut state).await {
            Ok(StepResult::More) => {}
            Ok(StepResult::Wait(rest)) => {
                if timeout(rest.min(POLL_INTERVAL), commits.changed()).await.is_ok() {
                    sleep(GATHER_DELAY).await;
                }
            }
            Err(error) => {
                tracing::debug!(%error, channel = %channel.name(), "notices wait for the database");
                sleep(RETRY_DELAY).await;
            }
        }
    }
}

enum StepResult {
    /// There is more to do at once.
    More,
    /// Nothing to do for this long.
    Wait(Duration),
}

async fn step(db: &Db, channel: &Channel, state: &mut TaskState) -> Result<StepResult, StoreError> {
    let name = channel.name().clone();
    let look = move |tx: &ReadTx<'_>| {
        let head = tx.head()?.map_or(0, |head| head.seq);
        Ok((tx.channel_progress(&name)?, tx.pending_notices(&name, MAX_PENDING)?, head))
    };
    let (progress, pending, head) = db.read(look).await?;
    let idle = Ok(StepResult::Wait(POLL_INTERVAL));
    let Some(progress) = progress.filter(|progress| !progress.has_ended) else { return idle };
    let now = db.clock().now().into();
    // While the receiver is down, the oldest notice is the one that finds out whether it works again.
    let candidates = if state.is_down { &pending[..pending.len().min(1)] } else { &pending[..] };
    if let Some(notice) = candidates.iter().find(|notice| is_due(notice, now)) {
        attempt(db, channel, state, notice, now).await?;
        return Ok(StepResult::More);
    }
    if state.is_down && !pending.is_empty() {
        return idle;
    }
    state.is_down = false;
    let may_create = pending.len() < MAX_PENDING && is_interval_over(channel, &progress, now);
    if (progress.has_news && may_create) || head - progress.followed_seq > MAX_LAG {
        let (name, max) = (channel.name().clone(), channel.max_leads());
        db.maintain(move |tx| channels::create_notice(tx, &name, max)).await?;
        return Ok(StepResult::More);
    }
    idle
}

/// Whether its time has come. A time further away than the longest pause is that of another clock.
fn is_due(notice: &Notice, now: Timestamp) -> bool {
    notice.next_try_at_utc <= now
        || notice.next_try_at_utc > now.saturating_add(MAX_RETRY_AFTER + MAX_BACKOFF)
}

/// Whether the last notice is old enough for another.
fn is_interval_over(channel: &Channel, progress: &ChannelProgress, now: Timestamp) -> bool {
    // A last notice in the future is of another clock.
    let is_over = |last: Timestamp| last.saturating_add(channel.interval()) <= now || last > now;
    progress.noticed_at_utc.is_none_or(is_over)
}

async fn attempt(
    db: &Db,
    channel: &Channel,
    state: &mut TaskState,
    notice: &Notice,
    now: Timestamp,
) -> Result<(), StoreError> {
    let read = notice.clone();
    let leads = db.read(move |tx| tx.leads_of_notice(&read, MAX_SHOWN)).await?;
    if leads.is_empty() {
        // All were erased.
        let id = notice.id.clone();
        return db.maintain(move |tx| outbox::remove(tx, &id)).await;
    }
    let lead_id = (notice.leads == 1).then(|| leads[0].id.clone());
    let sent = match state.sent.contains(&notice.id) {
        true => Ok(()),
        false => channel.send(&NoticeMessage::new(notice, leads)).await,
    };
    let name = channel.name();
    let mut has_ended = false;
    let attempt = match sent {
        Ok(()) => {
            state.sent.insert(notice.id.clone());
            if std::mem::take(&mut state.is_down) {
                tracing::info!(channel = %name, "notices are delivered again");
            }
            NoticeAttempt::Sent
        }
        Err(error) => {
            let text = error.to_string();
            let retry_after = match error {
                SendError::Unavailable { retry_after, .. } => {
                    if !std::mem::replace(&mut state.is_down, true) {
                        tracing::warn!(channel = %name, error = text, "a notice could not be sent; trying again");
                    }
                    retry_after
                }
                SendError::Refused(_) => None,
                SendError::Gone(_) => {
                    has_ended = true;
                    None
                }
            };
            failed(channel.timing(), notice, text, retry_after, has_ended, now)
        }
    };
    if let NoticeAttempt::GivenUp { error } = &attempt {
        tracing::error!(channel = %name, notice = %notice.id, error, "a notice is given up");
    }
    let (recorded, ended) = (notice.clone(), has_ended.then(|| name.clone()));
    db.maintain(move |tx| {
        if let Some(channel) = &ended {
            channels::end(tx, channel)?;
        }
        outbox::record_attempt(tx, &recorded, lead_id.as_deref(), &attempt)
    })
    .await?;
    state.sent.remove(&notice.id);
    Ok(())
}

/// What follows from a failed attempt.
fn failed(
    timing: NoticeTiming,
    notice: &Notice,
    error: String,
    retry_after: Option<Duration>,
    has_ended: bool,
    now: Timestamp,
) -> NoticeAttempt {
    let is_old = now > notice.created_at_utc.saturating_add(timing.give_up_after);
    if has_ended || (is_old && notice.attempts + 1 >= MIN_ATTEMPTS) {
        return NoticeAttempt::GivenUp { error };
    }
    let doublings = u32::try_from(notice.attempts).unwrap_or(u32::MAX).min(16);
    let backoff = (timing.first_backoff * 2_i32.pow(doublings)).min(MAX_BACKOFF);
    // Half as long to one and a half times as long, so that channels that failed together do not stay together.
    let jitter = rand::random_range(50..=150);
    let backoff = backoff * jitter / 100;
    let asked = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
    let next_try = now.saturating_add(backoff.max(asked.min(MAX_RETRY_AFTER)));
    NoticeAttempt::Failed { error, next_try }
}
