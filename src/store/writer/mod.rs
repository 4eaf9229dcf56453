//! The writer: one thread with the one connection that writes and checkpoints.
//!
//! It takes all that is waiting, runs it in one IMMEDIATE transaction, commits with one flush, and
//! only then answers each. WriteJob whose statement is refused is rolled back alone; when the commit
//! fails, everything in it is answered with the failure and nothing of it is there. After a failed
//! flush the process must live and keep this connection: SQLite then writes the same frames anew.

use crate::store::db::lock;
use crate::store::db::open;
use crate::store::db::schema;
use crate::store::tx;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use uuid::ContextV7;

use crate::clock::Clock;
use crate::domain::hash_chain::ChainPosition;
use crate::store::db::checkpoint;
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::tx::WriteTx;

/// How much work may wait; more is refused at once.
const QUEUE: usize = 1024;
/// The most work in one transaction.
const BATCH: usize = 512;
/// The rows that any transaction counts for, when it is asked how large the log may be.
const LEAST: usize = 64;
/// Without work for this long, the write-ahead log is emptied.
const SETTLE: Duration = Duration::from_secs(1);
/// Without a commit for this long, the writer proves that it can still make one.
const PROOF: Duration = Duration::from_secs(30);
/// While failing, a new proof is tried this often.
const RETRY: Duration = Duration::from_secs(1);
/// The chain's head goes to the log each time that so many rows have come …
const HEAD_ROWS: i64 = 1000;
/// … and after this long, if it moved.
const HEAD_EVERY: Duration = Duration::from_secs(3600);

/// The way to the writer; cheap to clone. [`Self::close`] ends the thread, and so does dropping the
/// last clone.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: SyncSender<Message>,
    closing: Arc<AtomicBool>,
}

enum Message {
    Job(Box<dyn WriteJob>),
    /// Wakes the thread, so that it sees `closing`.
    Wake,
}

/// Waits for the writer to finish.
#[derive(Debug)]
pub struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Returns when what was queued is done and the write-ahead log is emptied. The writer must be
    /// closed before, or every clone of it dropped.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the writer ended with a panic");
        }
    }

    /// [`Self::join`], but no longer than this. Says whether the writer has ended; if not, the
    /// disk does not answer, and nothing that waits for it was acknowledged.
    #[must_use]
    pub fn join_within(self, time: Duration) -> bool {
        let ended = join_timeout(&self.0, time);
        if ended {
            self.join();
        }
        ended
    }
}

/// Waits for a thread to end, but no longer than this. Says whether it has.
#[must_use]
pub fn join_timeout(thread: &JoinHandle<()>, time: Duration) -> bool {
    let deadline = Instant::now() + time;
    while !thread.is_finished() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The answers to everything in one commit, to be given where those who asked are waiting: one
/// thread woken once a commit, instead of one a lead.
pub struct CompletedBatch(Vec<(Box<dyn WriteJob>, Result<(), StoreError>)>);

impl CompletedBatch {
    /// Gives every one.
    pub fn notify(self) {
        for (work, committed) in self.0 {
            work.answer(committed);
        }
    }
}

impl std::fmt::Debug for CompletedBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} answers", self.0.len())
    }
}

/// What a server's writer has that a command's does not.
pub(crate) struct ServerHooks {
    pub(crate) health: Arc<WriterHealth>,
    /// Where the answers go.
    pub(crate) deliver: Box<dyn Fn(CompletedBatch) + Send>,
}

impl Writer {
    /// Starts the thread. A server's one announces the head of the chain in the log.
    pub(crate) fn start(
        conn: Connection,
        clock: Clock,
        service: Option<ServerHooks>,
    ) -> Result<(Self, WriterThread), StoreError> {
        let (queue, work) = sync_channel(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let is_closing = Arc::clone(&closing);
        let run = move || Thread::new(conn, clock, service).run(&work, &is_closing);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(run)
            .map_err(|e| StoreError::Io(e.to_string()))?;
        Ok((Self { queue, closing }, WriterThread(thread)))
    }

    /// Ends the thread once it has done what is queued, whoever still has clones; from now on
    /// [`Self::submit`] fails with [`StoreError::Closed`]. Returns at once: wait for the end with
    /// [`WriterThread::join_within`].
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        // A full queue needs no wake-up: the thread looks after each batch.
        let _ = self.queue.try_send(Message::Wake);
    }

    /// Queues work that runs inside the next transaction; the receiver is answered once that is
    /// on the disk. The work may run twice (its first run rolled back), never for nothing.
    ///
    /// # Errors
    /// [`StoreError::QueueFull`] or [`StoreError::Closed`], at once.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let (reply, receiver) = oneshot::channel();
        let job = Box::new(QueuedJob { work, outcome: None, reply });
        self.queue.try_send(Message::Job(job)).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        Ok(receiver)
    }

    /// [`Self::submit`], waiting for the answer. Not for asynchronous code.
    ///
    /// # Errors
    /// The work's own, or the writer's.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(work)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

/// A piece of work in the queue.
trait WriteJob: Send {
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Result<(), StoreError>;
    /// CompletedBatch: what the work made once it is on the disk, or why it is not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct QueuedJob<T, F> {
    work: F,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F> WriteJob for QueuedJob<T, F>
where
    F: FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
        // A defect in one piece of work must not end the thread that stores all leads: it is
        // refused and rolled back alone, like a statement that the database refuses.
        let done = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        self.outcome = Some(done.unwrap_or_else(|_| Err(StoreError::Refused("a panic".into())))?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, reply, .. } = *self;
        // A client that hung up changes nothing: what it sent is stored.
        let _ = reply.send(committed.and_then(|()| outcome.ok_or(StoreError::Closed)));
    }
}

struct Thread {
    conn: Connection,
    clock: Clock,
    health: Arc<WriterHealth>,
    deliver: Box<dyn Fn(CompletedBatch) + Send>,
    ids: ContextV7,
    /// When the last transaction ended.
    last: Instant,
    /// When to empty the write-ahead log, while it may hold something.
    truncate_wal_at: Option<Instant>,
    /// Rows since the write-ahead log's size was looked at.
    unmeasured: usize,
    is_server: bool,
    head: ChainPosition,
    logged: ChainPosition,
    logged_at: Instant,
}

impl Thread {
    fn new(conn: Connection, clock: Clock, service: Option<ServerHooks>) -> Self {
        let head = crate::store::audit::query::head(&conn).unwrap_or(ChainPosition::START);
        let now = Instant::now();
        let is_server = service.is_some();
        let ServerHooks { health, deliver } = service.unwrap_or_else(|| ServerHooks {
            health: Arc::default(),
            deliver: Box::new(CompletedBatch::notify),
        });
        Self {
            conn,
            clock,
            health,
            deliver,
            ids: ContextV7::new(),
            last: now,
            truncate_wal_at: is_server.then(|| now + SETTLE),
            unmeasured: 0,
            is_server,
            head,
            logged: head,
            logged_at: now,
        }
    }

    fn run(mut self, queue: &Receiver<Message>, closing: &AtomicBool) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let first = if closing.load(Ordering::SeqCst) {
                // A job that is queued after this look is dropped with the queue, and its sender
                // is answered with `Closed`.
                queue.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                queue.recv_timeout(self.next_wakeup())
            };
            match first {
                Ok(first) => {
                    let queued = std::iter::once(first).chain(queue.try_iter());
                    let jobs = queued.filter_map(|message| match message {
                        Message::Job(job) => Some(job),
                        Message::Wake => None,
                    });
                    batch.extend(jobs.take(BATCH));
                    if !batch.is_empty() {
                        self.commit(&mut batch);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // A command leaves that to the server, or to SQLite where there is none.
        if self.is_server {
            checkpoint::try_truncate(&self.conn);
        }
        self.log_head();
    }

    /// How long to wait for work before something else is due.
    fn next_wakeup(&self) -> Duration {
        let due = self.last + self.proof_every();
        let due = self.truncate_wal_at.map_or(due, |truncate_wal_at| truncate_wal_at.min(due));
        due.saturating_duration_since(Instant::now()).max(Duration::from_millis(10))
    }

    fn proof_every(&self) -> Duration {
        if self.health.is_failing() { RETRY } else { PROOF }
    }

    fn idle(&mut self) {
        if self.last.elapsed() >= self.proof_every() {
            self.prove();
        } else if self
            .truncate_wal_at
            .is_some_and(|truncate_wal_at| truncate_wal_at <= Instant::now())
        {
            // Others may be reading; then it is tried again, and the proof is not put off by it.
            let again = Instant::now() + SETTLE;
            self.truncate_wal_at = (!checkpoint::try_truncate(&self.conn)).then_some(again);
        }
        if self.logged_at.elapsed() >= HEAD_EVERY {
            self.log_head();
        }
    }

    /// A small real commit: only it shows that leads can be stored.
    fn prove(&mut self) {
        if self.health.is_failing() {
            // On a full disk, the room that the log takes may be what is missing.
            checkpoint::try_truncate(&self.conn);
        }
        let work = |tx: &mut WriteTx<'_>| tx.write_probe();
        let proof = QueuedJob { work, outcome: None, reply: oneshot::channel().0 };
        self.commit(&mut vec![Box::new(proof)]);
    }

    fn commit(&mut self, batch: &mut Vec<Box<dyn WriteJob>>) {
        self.health.begin();
        let outcome = match self.transaction(batch, false) {
            // One statement was refused: again, each piece of work use_savepoints from the others.
            Err(e) if e.is_refusal() => self.transaction(batch, true),
            outcome => outcome,
        };
        let answers = match outcome {
            Ok((mut refused, head)) => {
                self.record_outcome(&Ok(()));
                // One piece of work can write many rows, and a step of the search index many
                // pages without one.
                let rows = usize::try_from(head.seq - self.head.seq).unwrap_or(0);
                self.unmeasured += rows.max(batch.len()).max(LEAST);
                self.head = head;
                let mut fate = |n| match refused.first() {
                    Some((refused_at, _)) if *refused_at == n => Err(refused.remove(0).1),
                    _ => Ok(()),
                };
                batch.drain(..).enumerate().map(|(n, work)| (work, fate(n))).collect()
            }
            Err(error) => {
                self.record_outcome(&Err(error.clone()));
                batch.drain(..).map(|work| (work, Err(error.clone()))).collect()
            }
        };
        (self.deliver)(CompletedBatch(answers));
        if self.head.seq / HEAD_ROWS > self.logged.seq / HEAD_ROWS {
            self.log_head();
        }
        if self.unmeasured >= BATCH {
            self.unmeasured = 0;
            checkpoint::checkpoint_if_large(&self.conn);
        }
    }

    /// Runs the batch in one transaction. With `use_savepoints`, each piece of work has a savepoint, and
    /// those that were refused are returned by their place; without, the first refusal ends all.
    fn transaction(
        &self,
        batch: &mut [Box<dyn WriteJob>],
        use_savepoints: bool,
    ) -> Result<(Vec<(usize, StoreError)>, ChainPosition), StoreError> {
        // A rollback that failed before must not stand in the way for ever.
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let done = self.run_each(batch, use_savepoints).and_then(|done| {
            self.conn.prepare_cached("COMMIT")?.execute([])?;
            Ok(done)
        });
        // Some failures have rolled back already.
        if done.is_err() && !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        done
    }

    fn run_each(
        &self,
        batch: &mut [Box<dyn WriteJob>],
        use_savepoints: bool,
    ) -> Result<(Vec<(usize, StoreError)>, ChainPosition), StoreError> {
        let mut tx = WriteTx::begin(&self.conn, self.clock.now().into(), &self.ids)?;
        let mut refused = Vec::new();
        for (i, work) in batch.iter_mut().enumerate() {
            if !use_savepoints {
                work.run(&mut tx)?;
                continue;
            }
            let before = tx.head();
            self.conn.execute_batch("SAVEPOINT work")?;
            match work.run(&mut tx) {
                Ok(()) => {}
                Err(e) if e.is_refusal() => {
                    self.conn.execute_batch("ROLLBACK TO work")?;
                    tx.reset_head(before);
                    refused.push((i, e));
                }
                Err(e) => return Err(e),
            }
            self.conn.execute_batch("RELEASE work")?;
        }
        Ok((refused, tx.head()))
    }

    /// Remembers how a transaction ended. A failure that goes on is told once, not at each proof.
    fn record_outcome(&mut self, outcome: &Result<(), StoreError>) {
        self.last = Instant::now();
        self.truncate_wal_at = self.is_server.then(|| self.last + SETTLE);
        match outcome {
            Ok(()) if self.health.record_success() => tracing::info!("leads can be stored again"),
            Ok(()) => {}
            Err(error) if self.health.record_failure(error) && self.is_server => {
                tracing::error!(%error, "a transaction failed; nothing of it is stored");
            }
            Err(error) => tracing::debug!(%error, "a transaction failed"),
        }
    }

    /// Puts the end of the chain, wherever other processes have taken it, into the log.
    fn log_head(&mut self) {
        self.logged_at = Instant::now();
        if let (true, Ok(head)) = (self.is_server, crate::store::audit::query::head(&self.conn))
            && head != self.logged
        {
            tracing::info!(%head, "audit log head");
            self.logged = head;
        }
    }
}

/// Starts the writer of a server, on a database whose schema is current. When it returns, the WAL is
/// empty and a test commit has succeeded. The results of each commit go to `deliver`, all at once.
///
/// # Errors
/// The schema is not this binary's, another process holds the WAL, or nothing can be written.
pub fn start_server_writer(
    path: &Path,
    clock: &Clock,
    deliver: impl Fn(CompletedBatch) + Send + 'static,
) -> Result<(Writer, WriterThread, Arc<WriterHealth>), StoreError> {
    let (conn, _) = open::read_write(path)?;
    schema::check_current(&conn, path)?;
    checkpoint::truncate_at_start(&conn, path)?;
    tx::write_probe(&conn, clock.now().into())?;
    let health = Arc::new(WriterHealth::default());
    health.record_success();
    let service = ServerHooks { health: Arc::clone(&health), deliver: Box::new(deliver) };
    let (writer, thread) = Writer::start(conn, clock.clone(), Some(service))?;
    Ok((writer, thread, health))
}

/// Opens a writer for a command, which may run while a server has the database open.
///
/// # Errors
/// The database is missing, about to be replaced, of another version, or cannot be written.
pub fn open_cli_writer(path: &Path, clock: &Clock) -> Result<(Writer, WriterThread), StoreError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(StoreError::Missing(path.into()));
    }
    lock::check_unreplaced(path)?;
    let conn = open::open_with_busy_poll(path)?;
    schema::check_current(&conn, path)?;
    Writer::start(conn, clock.clone(), None)
}
