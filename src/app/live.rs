//! LiveEvent happens to leads, as it happens: read from the audit log behind the place where somebody
//! is, so that nothing is missed between one connection and the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};
use utoipa::ToSchema;

use crate::app::db::Db;
use crate::app::leads::LeadSummary;
use crate::app::staff::sessions::Sessions;
use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::lead::status::LeadStatus;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// The most who follow at once; one more ends the one who has followed longest, whose browser
/// comes back by itself.
const MOST: usize = 32;
/// Rows looked at together.
const BATCH: u32 = 500;
/// Whoever is further behind than this reads the list again instead.
const FAR: i64 = 5000;
/// How long after a commit it is told, so that what comes together is read together.
const GATHER: Duration = Duration::from_millis(300);
/// How often commits of other processes are looked for.
const POLL: Duration = Duration::from_secs(2);
/// How often something is said while nothing happens, and the session looked at.
const PULSE: Duration = Duration::from_secs(15);

/// Something that happened, at its place in the audit log.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
pub struct SequencedEvent {
    pub seq: i64,
    pub what: LiveEvent,
}

/// LiveEvent happened, as the page is told it: the name of an event, and its data.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Serialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
#[schema(as = LiveEvent)]
pub enum LiveEvent {
    /// The place behind which everything follows.
    Hello { seq: i64 },
    /// A new lead.
    Lead(LeadSummary),
    /// Where a lead stands now.
    Status {
        #[schema(format = Uuid)]
        id: String,
        status: LeadStatus,
    },
    /// A lead that is there no more.
    Erased {
        #[schema(format = Uuid)]
        id: String,
    },
}

/// The subscribers of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct LiveHub {
    db: Db,
    sessions: Sessions,
    open: Arc<Mutex<OpenStreams>>,
}

#[derive(Debug, Default)]
struct OpenStreams {
    next: u64,
    streams: VecDeque<(u64, oneshot::Sender<()>)>,
}

impl LiveHub {
    pub(crate) fn new(db: &Db, sessions: &Sessions) -> Self {
        Self { db: db.clone(), sessions: sessions.clone(), open: Arc::default() }
    }

    fn enter(&self) -> (u64, oneshot::Receiver<()>) {
        let mut open = self.lock();
        if open.streams.len() >= MOST {
            open.streams.pop_front();
        }
        let (end, ended) = oneshot::channel();
        let id = open.next;
        open.next += 1;
        open.streams.push_back((id, end));
        (id, ended)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, OpenStreams> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who follows.
pub struct Subscriber {
    hub: LiveHub,
    token: String,
    /// Everything up to here was told or is of no interest.
    at: i64,
    /// Whether there may be more to read without waiting.
    behind: bool,
    pulse: Instant,
    commits: watch::Receiver<()>,
    id: u64,
    /// Resolves when the place is needed for another.
    ended: oneshot::Receiver<()>,
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscriber at {}", self.at)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.hub.lock().streams.retain(|(id, _)| *id != self.id);
    }
}

impl LiveHub {
    /// Follows the log from a place on, or from its end, for as long as the session of this token
    /// lives. The place that is really begun from is the second value: a place that is not in the
    /// log, or too far back, becomes its end.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn subscribe(
        &self,
        token: &str,
        after: Option<i64>,
    ) -> Result<(Subscriber, i64), StoreError> {
        let commits = self.db.commits();
        let head = self.db.read(|snapshot| snapshot.head()).await?.map_or(0, |head| head.seq);
        let near = (head - FAR).max(0)..=head;
        let at = after.filter(|after| near.contains(after)).unwrap_or(head);
        let (id, ended) = self.enter();
        let follower = Subscriber {
            hub: self.clone(),
            token: token.to_owned(),
            at,
            behind: true,
            pulse: Instant::now() + PULSE,
            commits,
            id,
            ended,
        };
        Ok((follower, at))
    }
}

impl Subscriber {
    /// LiveEvent happened next; nothing, now and then, when nothing did; none at the end.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<SequencedEvent>>, StoreError> {
        loop {
            if self.behind {
                let news = self.read_on().await?;
                if news.session_touched && !self.hub.sessions.is_live(&self.token).await? {
                    return Ok(None);
                }
                if !news.happenings.is_empty() {
                    return Ok(Some(news.happenings));
                }
            }
            if !self.behind && !self.wait().await? {
                return Ok(None);
            }
            if Instant::now() >= self.pulse {
                self.pulse = Instant::now() + PULSE;
                let lives = self.hub.sessions.is_live(&self.token).await?;
                return Ok(lives.then(Vec::new));
            }
        }
    }

    async fn read_on(&mut self) -> Result<EventBatch, StoreError> {
        let at = self.at;
        let news = self.hub.db.read(move |snapshot| EventBatch::after(snapshot, at)).await?;
        self.at = news.at;
        self.behind = news.more;
        Ok(news)
    }

    /// Waits until there may be something new; says whether to go on.
    async fn wait(&mut self) -> Result<bool, StoreError> {
        tokio::select! {
            _ = &mut self.ended => return Ok(false),
            _ = self.commits.changed() => sleep(GATHER).await,
            () = sleep(POLL) => {}
            () = sleep_until(self.pulse) => {}
        }
        self.commits.mark_unchanged();
        self.behind = true;
        Ok(true)
    }
}

/// LiveEvent is behind a place.
struct EventBatch {
    happenings: Vec<SequencedEvent>,
    at: i64,
    more: bool,
    /// Whether a session may have ended.
    session_touched: bool,
}

impl EventBatch {
    fn after(snapshot: &ReadTx<'_>, at: i64) -> Result<Self, StoreError> {
        let rows = snapshot.audit_after(at, BATCH)?;
        let mut news = Self {
            happenings: Vec::new(),
            at: rows.last().map_or(at, |row| row.seq),
            more: rows.len() == BATCH as usize,
            session_touched: false,
        };
        for row in rows {
            news.session_touched |= matches!(
                row.event.known(),
                Some(
                    AuditEvent::StaffRemoved
                        | AuditEvent::StaffPasswordReset
                        | AuditEvent::StaffSignedOut
                )
            );
            if let Some(what) = live_event(snapshot, &row)? {
                news.happenings.push(SequencedEvent { seq: row.seq, what });
            }
        }
        Ok(news)
    }
}

fn live_event(snapshot: &ReadTx<'_>, row: &AuditRow) -> Result<Option<LiveEvent>, StoreError> {
    let Some(id) = row.lead_id.clone() else { return Ok(None) };
    Ok(match row.event.known() {
        Some(AuditEvent::LeadReceived | AuditEvent::LeadImported) => {
            snapshot.lead_by_audit_seq(row.seq)?.map(|lead| LiveEvent::Lead(LeadSummary::of(&lead)))
        }
        Some(AuditEvent::LeadProcessed) => {
            let status = row.details()["to"].as_str().and_then(LeadStatus::parse);
            status.map(|status| LiveEvent::Status { id, status })
        }
        Some(AuditEvent::LeadErased) => Some(LiveEvent::Erased { id }),
        _ => None,
    })
}
