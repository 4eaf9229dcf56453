//! Jobs that share a transaction: one commit and one flush for all.

use rusqlite::Connection;

use crate::domain::hash_chain::ChainPosition;
use crate::store::error::StoreError;
use crate::store::tx::WriteTx;
use crate::store::writer::job::WriteJob;

/// The results of all jobs of one commit. They are sent by [`Self::notify`], in the thread of whoever
/// waits for them: it is woken up once per commit rather than once per lead.
pub struct CompletedBatch(Vec<(Box<dyn WriteJob>, Result<(), StoreError>)>);

impl CompletedBatch {
    /// Sends the results.
    pub fn notify(self) {
        for (job, committed) in self.0 {
            job.notify(committed);
        }
    }

    /// The jobs of a batch, with what became of each.
    pub(crate) fn new(
        jobs: impl Iterator<Item = Box<dyn WriteJob>>,
        committed: &Result<CommittedBatch, StoreError>,
    ) -> Self {
        let result = |index: usize| match committed {
            Err(error) => Err(error.clone()),
            Ok(batch) => match batch.failed.iter().find(|(failed, _)| *failed == index) {
                Some((_, error)) => Err(error.clone()),
                None => Ok(()),
            },
        };
        Self(jobs.enumerate().map(|(index, job)| (job, result(index))).collect())
    }
}

impl std::fmt::Debug for CompletedBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} results", self.0.len())
    }
}

/// A transaction that is on the disk.
pub(crate) struct CommittedBatch {
    /// The jobs that were rolled back alone, by their index.
    failed: Vec<(usize, StoreError)>,
    /// The last audit row.
    pub(crate) head: ChainPosition,
}

impl CommittedBatch {
    /// The first failure of a job that was not a refusal of what it asked for.
    pub(crate) fn fault(&self) -> Option<&StoreError> {
        self.failed.iter().map(|(_, error)| error).find(|error| !error.is_refusal())
    }
}

/// When a commit comes to the disk.
#[derive(Clone, Copy)]
pub(crate) enum Durability {
    /// Before it returns.
    Flushed,
    /// With the next one that is flushed; the WAL keeps their order.
    Deferred,
}

impl Durability {
    /// Applies to the transactions that begin from now on.
    fn set(self, conn: &Connection) -> Result<(), StoreError> {
        let level = match self {
            Self::Flushed => "FULL",
            Self::Deferred => "NORMAL",
        };
        Ok(conn.pragma_update(None, "synchronous", level)?)
    }
}

/// Runs the jobs in one transaction and commits it. A job that fails is rolled back alone; if the
/// database fails as a whole, nothing of the batch is stored.
pub(crate) fn commit<'c>(
    conn: &'c Connection,
    durability: Durability,
    begin: &dyn Fn() -> Result<WriteTx<'c>, StoreError>,
    jobs: &mut [Box<dyn WriteJob>],
) -> Result<CommittedBatch, StoreError> {
    match transaction(conn, durability, begin, jobs, false) {
        // Failures are rare: only then is it worth a savepoint for each job.
        Err(error) if !error.is_database_wide() => transaction(conn, durability, begin, jobs, true),
        result => result,
    }
}

/// With `use_savepoints`, jobs that fail are rolled back alone; without, the first failure ends the
/// transaction.
fn transaction<'c>(
    conn: &'c Connection,
    durability: Durability,
    begin: &dyn Fn() -> Result<WriteTx<'c>, StoreError>,
    jobs: &mut [Box<dyn WriteJob>],
    use_savepoints: bool,
) -> Result<CommittedBatch, StoreError> {
    // A rollback may have failed before.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    // Each time: nothing that failed before can leave a batch of leads unflushed.
    durability.set(conn)?;
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let run = |mut tx| run_jobs(&mut tx, jobs, use_savepoints);
    let result = begin().and_then(run).and_then(|batch| {
        conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(batch)
    });
    // After some failures, SQLite has rolled back already.
    if result.is_err() && !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    result
}

fn run_jobs(
    tx: &mut WriteTx<'_>,
    jobs: &mut [Box<dyn WriteJob>],
    use_savepoints: bool,
) -> Result<CommittedBatch, StoreError> {
    let conn = tx.conn;
    let mut failed = Vec::new();
    for (index, job) in jobs.iter_mut().enumerate() {
        if !use_savepoints {
            job.run(tx)?;
            continue;
        }
        let head = tx.head();
        conn.execute_batch("SAVEPOINT job")?;
        match job.run(tx) {
            Ok(()) => {}
            // After some failures, SQLite has rolled back the whole transaction.
            Err(error) if !error.is_database_wide() && !conn.is_autocommit() => {
                conn.execute_batch("ROLLBACK TO job")?;
                tx.reset_head(head);
                failed.push((index, error));
            }
            Err(error) => return Err(error),
        }
        conn.execute_batch("RELEASE job")?;
    }
    Ok(CommittedBatch { failed, head: tx.head() })
}
