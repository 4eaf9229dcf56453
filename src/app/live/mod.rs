//! Live events for the admin page. One task reads the audit log and broadcasts what it finds; a
//! subscriber reads the log itself only to catch up, so that nothing is missed between one
//! connection and the next.

pub mod event;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::app::db::Db;
use crate::app::live::event::{EventBatch, MAX_REPLAY_ROWS, SequencedEvent};
use crate::app::staff::sessions::Sessions;
use crate::store::error::StoreError;

/// Subscribers at once; one more ends the oldest, whose browser comes back by itself.
const MAX_SUBSCRIBERS: usize = 32;
/// Batches that a subscriber may fall behind before it has to read the log itself.
const BROADCAST_CAPACITY: usize = 16;
/// How long after a commit the log is read, so that commits in quick succession are read together.
const GATHER_DELAY: Duration = Duration::from_millis(300);
/// How often the log is read for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often a silent stream is kept alive and its session checked.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The live events of a server; cheap to clone.
#[derive(Clone)]
pub struct LiveHub {
    db: Db,
    sessions: Sessions,
    shutdown: CancellationToken,
    batches: broadcast::Sender<Arc<EventBatch>>,
    open: Arc<Mutex<OpenStreams>>,
}

#[derive(Default)]
struct OpenStreams {
    next_id: u64,
    /// Oldest first; a stream ends when its sender is dropped.
    streams: VecDeque<(u64, oneshot::Sender<()>)>,
}

impl std::fmt::Debug for LiveHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveHub")
    }
}

impl LiveHub {
    /// Starts the broadcasting task, which runs until `shutdown`.
    pub(crate) fn start(
        db: &Db,
        sessions: &Sessions,
        shutdown: &CancellationToken,
        runtime: &Handle,
    ) -> Self {
        let hub = Self {
            db: db.clone(),
            sessions: sessions.clone(),
            shutdown: shutdown.clone(),
            batches: broadcast::Sender::new(BROADCAST_CAPACITY),
            open: Arc::default(),
        };
        let broadcasting = broadcast_events(db.clone(), hub.batches.clone());
        runtime.spawn(shutdown.clone().run_until_cancelled_owned(broadcasting));
        hub
    }

    /// Subscribes from the position `after` in the audit log on, or from its end, for as long as
    /// the session of this token lives. Returns the position that was used as well: one that is not
    /// in the log, or too far back, becomes the log's end.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn subscribe(
        &self,
        token: &str,
        after: Option<i64>,
    ) -> Result<(Subscriber, i64), StoreError> {
        // Before the log is read, so that nothing is missed in between.
        let batches = self.batches.subscribe();
        let head = self.db.read(|tx| tx.head()).await?.map_or(0, |head| head.seq);
        let replayed = (head - MAX_REPLAY_ROWS).max(0)..=head;
        let position = after.filter(|after| replayed.contains(after)).unwrap_or(head);
        let (id, evicted) = self.register();
        let subscriber = Subscriber {
            hub: self.clone(),
            token: token.to_owned(),
            position,
            behind: true,
            batches,
            keep_alive_at: Instant::now() + KEEP_ALIVE_INTERVAL,
            id,
            evicted,
        };
        Ok((subscriber, position))
    }

    fn register(&self) -> (u64, oneshot::Receiver<()>) {
        let mut open = self.open();
        if open.streams.len() >= MAX_SUBSCRIBERS {
            open.streams.pop_front();
        }
        let (evict, evicted) = oneshot::channel();
        let id = open.next_id;
        open.next_id += 1;
        open.streams.push_back((id, evict));
        (id, evicted)
    }

    fn open(&self) -> MutexGuard<'_, OpenStreams> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the audit log after each commit and broadcasts the events. Does nothing while nobody is
/// subscribed.
async fn broadcast_events(db: Db, batches: broadcast::Sender<Arc<EventBatch>>) {
    let mut commits = db.commits();
    let mut position = None;
    loop {
        tokio::select! {
            _ = commits.changed() => sleep(GATHER_DELAY).await,
            () = sleep(POLL_INTERVAL) => {}
        }
        commits.mark_unchanged();
        while batches.receiver_count() > 0 {
            let batch = match db.read(move |tx| EventBatch::read_near_end(tx, position)).await {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::warn!(%error, "live events could not be read; trying again");
                    break;
                }
            };
            let (more, news) = (batch.more, position != Some(batch.end));
            position = Some(batch.end);
            if news {
                // It fails only when the last subscriber has just left.
                let _ = batches.send(Arc::new(batch));
            }
            if !more {
                break;
            }
        }
    }
}

/// One stream of live events.
pub struct Subscriber {
    hub: LiveHub,
    token: String,
    /// The `seq` of the last audit row that was handled.
    position: i64,
    /// Whether it has to read the log itself.
    behind: bool,
    batches: broadcast::Receiver<Arc<EventBatch>>,
    keep_alive_at: Instant,
    id: u64,
    /// Resolves when the place is needed for another subscriber.
    evicted: oneshot::Receiver<()>,
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscriber at {}", self.position)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.hub.open().streams.retain(|(id, _)| *id != self.id);
    }
}

enum Wakeup {
    Batch(Arc<EventBatch>),
    KeepAlive,
    End,
}

impl Subscriber {
    /// The next events. Returns an empty list where the connection needs a sign of life, and `None`
    /// at the end of the stream.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<SequencedEvent>>, StoreError> {
        loop {
            let batch = match self.wait().await? {
                Wakeup::Batch(batch) => batch,
                Wakeup::KeepAlive => return Ok(self.is_signed_in().await?.then(Vec::new)),
                Wakeup::End => return Ok(None),
            };
            if batch.session_touched && !self.is_signed_in().await? {
                return Ok(None);
            }
            let new = batch.events.iter().filter(|event| event.seq > self.position);
            let new: Vec<SequencedEvent> = new.cloned().collect();
            self.position = self.position.max(batch.end);
            if !new.is_empty() {
                return Ok(Some(new));
            }
        }
    }

    async fn wait(&mut self) -> Result<Wakeup, StoreError> {
        loop {
            if self.behind {
                let position = self.position;
                let read = self.hub.db.read(move |tx| EventBatch::read_after(tx, position));
                let batch = read.await?;
                self.behind = batch.more;
                return Ok(Wakeup::Batch(Arc::new(batch)));
            }
            tokio::select! {
                _ = &mut self.evicted => return Ok(Wakeup::End),
                () = self.hub.shutdown.cancelled() => return Ok(Wakeup::End),
                () = sleep_until(self.keep_alive_at) => {
                    self.keep_alive_at = Instant::now() + KEEP_ALIVE_INTERVAL;
                    return Ok(Wakeup::KeepAlive);
                }
                received = self.batches.recv() => match received {
                    Ok(batch) if batch.after <= self.position => return Ok(Wakeup::Batch(batch)),
                    // It missed rows: the task did not broadcast them, or this stream was too slow.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                    Err(broadcast::error::RecvError::Closed) => return Ok(Wakeup::End),
                },
            }
        }
    }

    async fn is_signed_in(&self) -> Result<bool, StoreError> {
        self.hub.sessions.is_live(&self.token).await
    }
}
