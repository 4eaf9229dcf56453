//! The task of one channel: creates its notices from the audit log, sends them, and tries again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{sleep, timeout};

use crate::app::db::Db;
use crate::app::notices::channel::Channel;
use crate::app::notices::message::{MAX_SHOWN, NoticeMessage};
use crate::app::notices::send_error::SendError;
use crate::app::notices::settings::NoticeTiming;
use crate::domain::notice::{Notice, NoticeSubject};
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
/// After so many failed attempts of each, another notice finds out whether the receiver only fails at these.
const ATTEMPTS_BEFORE_ANOTHER: i64 = 3;

/// What the task remembers between steps.
#[derive(Default)]
struct TaskState {
    /// Whether the last attempt found the receiver unavailable: what is new is gathered until it answers.
    is_down: bool,
    /// Nothing is sent before: a failed attempt could not be recorded.
    not_before: Option<Timestamp>,
    /// The receiver has asked that nothing is sent before. What has not been tried since, such as an alert or what the
    /// operator wants to be tried again, is tried once.
    asked_until: Option<Timestamp>,
    /// Notices that were sent, but whose success could not be recorded yet.
    sent: HashSet<String>,
}

/// Runs for as long as the runtime lives; wakes on every commit of this process.
pub(crate) async fn run(db: Db, channel: Arc<Channel>) {
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
    let is_ahead = |time: Option<Timestamp>| time.is_some_and(|time| is_later(time, now));
    if is_ahead(state.not_before) {
        return idle;
    }
    let is_held = is_ahead(state.asked_until);
    let is_due = |notice: &&Notice| {
        !is_later(notice.next_try_at_utc, now) && (!is_held || notice.attempts == 0)
    };
    let mut due = pending.iter().filter(is_due);
    let next = match state.is_down {
        // The one that has waited longest finds out whether the receiver works again.
        true => due.min_by_key(|notice| notice.next_try_at_utc),
        false => due.next(),
    };
    if let Some(notice) = next {
        attempt(db, channel, state, notice, now).await?;
        return Ok(StepResult::More);
    }
    // The more fail, the longer what is new is gathered.
    let count = i64::try_from(pending.len()).unwrap_or(i64::MAX);
    let awaited = ATTEMPTS_BEFORE_ANOTHER.saturating_mul(count);
    let is_gathering = state.is_down && pending.iter().any(|notice| notice.attempts < awaited);
    if is_held || is_gathering || !channel.uses().leads {
        return idle;
    }
    let may_create = pending.len() < MAX_PENDING && is_interval_over(channel, &progress, now);
    let is_far_behind = head - progress.followed_seq > MAX_LAG;
    let creates = if progress.has_news { may_create } else { is_far_behind };
    if creates {
        let (name, max) = (channel.name().clone(), channel.max_leads());
        // On the disk before it is sent: after a power cut it would have another key.
        db.write(move |tx| channels::create_notice(tx, &name, max)).await?;
        return Ok(StepResult::More);
    }
    idle
}

/// Whether the time of an attempt is still to come. One further away than the longest pause is of another clock.
fn is_later(time: Timestamp, now: Timestamp) -> bool {
    time > now && time <= now.saturating_add(MAX_RETRY_AFTER + MAX_BACKOFF)
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
    let is_of_leads = matches!(notice.subject, NoticeSubject::Leads);
    let leads = match is_of_leads {
        true => db.read(move |tx| tx.leads_of_notice(&read, MAX_SHOWN)).await?,
        false => Vec::new(),
    };
    if is_of_leads && leads.is_empty() {
        // All were erased.
        let id = notice.id.clone();
        return db.maintain(move |tx| outbox::remove(tx, &id)).await;
    }
    let lead_id = leads.first().filter(|_| notice.leads == 1).map(|lead| lead.id.clone());
    let sent = match state.sent.contains(&notice.id) {
        true => Ok(()),
        false => channel.send(&NoticeMessage::new(notice, leads)).await,
    };
    let name = channel.name();
    let (mut has_ended, mut retry_after) = (false, None);
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
            match error {
                SendError::Unavailable { retry_after: asked, .. } => {
                    if !std::mem::replace(&mut state.is_down, true) {
                        tracing::warn!(channel = %name, error = text, "a notice could not be sent; trying again");
                    }
                    retry_after = asked;
                }
                // It answers.
                SendError::Refused(_) => state.is_down = false,
                SendError::Gone(_) => has_ended = true,
            }
            failed(channel.timing(), notice, text, retry_after, has_ended, now)
        }
    };
    if let NoticeAttempt::GivenUp { error } = &attempt {
        tracing::error!(channel = %name, notice = %notice.id, error, "a notice is given up");
    }
    let pause = match &attempt {
        NoticeAttempt::Sent => None,
        NoticeAttempt::Failed { next_try, .. } => Some(*next_try),
        NoticeAttempt::GivenUp { .. } => Some(now.saturating_add(MAX_BACKOFF)),
    };
    state.not_before = pause;
    let (recorded, ended) = (notice.clone(), has_ended.then(|| name.clone()));
    db.maintain(move |tx| {
        if let Some(channel) = &ended {
            channels::end(tx, channel)?;
        }
        outbox::record_attempt(tx, &recorded, lead_id.as_deref(), &attempt)
    })
    .await?;
    state.not_before = None;
    state.asked_until = pause.filter(|_| retry_after.is_some());
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
    // Half of it at least: channels that failed together do not stay together.
    let backoff = backoff * rand::random_range(50..=100) / 100;
    let asked = retry_after.map(|wait| TimeDelta::from_std(wait).unwrap_or(MAX_RETRY_AFTER));
    let next_try = now.saturating_add(backoff.max(asked.unwrap_or_default().min(MAX_RETRY_AFTER)));
    NoticeAttempt::Failed { error, next_try }
}
