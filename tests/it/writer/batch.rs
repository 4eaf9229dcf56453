//! Jobs that share a transaction: a failed job does not affect the others.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use fastcore::clock::Clock;
use fastcore::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use fastcore::domain::lead::NewLead;
use fastcore::metrics::Metrics;
use fastcore::store;
use fastcore::store::error::StoreError;
use fastcore::store::leads::submit::SubmitOutcome;
use fastcore::store::tx::WriteTx;
use fastcore::store::writer::{Writer, WriterThread};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::assert_sound;
use crate::support::lead;

/// What a piece of work does at last.
type Step = fn(&mut WriteTx<'_>) -> Result<(), StoreError>;
type Outcome<T> = oneshot::Receiver<Result<T, StoreError>>;

pub(super) struct Store {
    pub(super) _folder: TempDir,
    pub(super) database: PathBuf,
    pub(super) writer: Writer,
    pub(super) thread: WriterThread,
}

pub(super) fn start() -> Store {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("fastcore.db");
    let clock = Clock::system();
    store::db::migrate::prepare(&database, &clock, "cli:test").expect("a schema");
    let (writer, thread, _) = store::writer::start_server_writer(
        &database,
        &clock,
        0,
        &Metrics::default(),
        store::writer::batch::CompletedBatch::notify,
    )
    .expect("a writer");
    Store { _folder: folder, database, writer, thread }
}

/// Blocks the writer while `queue` queues, so that all of it comes into one transaction.
fn in_one_batch<T>(writer: &Writer, queue: impl FnOnce() -> T) -> T {
    let (go_on, wait) = channel::<()>();
    let (tell, begun) = channel();
    let hold = writer.submit(move |_| {
        let _ = tell.send(());
        let _ = wait.recv();
        Ok(())
    });
    let hold = hold.expect("room");
    begun.recv().expect("the writer works");
    let queued = queue();
    drop(go_on);
    hold.blocking_recv().expect("an answer").expect("no failure");
    queued
}

fn good(writer: &Writer) -> Outcome<SubmitOutcome> {
    let lead = NewLead::parse(lead().to_string().as_bytes()).expect("a lead");
    writer.submit(move |tx| store::leads::submit::submit(tx, &lead, None)).expect("room")
}

fn event(lead_id: Option<&str>) -> NewAuditRow<'_> {
    let event = AuditEvent::LeadRejected;
    NewAuditRow {
        event,
        actor: ACTOR_SITE,
        lead_id,
        request_id: None,
        status_code: None,
        details_json: None,
    }
}

/// Work that adds a row which is fine and then does something that is refused.
fn bad(writer: &Writer, then: Step) -> Outcome<()> {
    let work = move |tx: &mut WriteTx<'_>| {
        tx.append(&event(None))?;
        then(tx)
    };
    writer.submit(work).expect("room")
}

#[test]
fn a_refused_job_is_rolled_back_alone() {
    let Store { _folder, database, writer, thread } = start();
    let refusals: [Step; 2] = [
        // Not the length of an id, which a CHECK constraint refuses.
        |tx| tx.append(&event(Some("refused"))).map(drop),
        // A use case that thinks better of it.
        |_| Err(StoreError::Refused("for a test".to_owned())),
    ];
    let (good, bad) = in_one_batch(&writer, || {
        let (mut goods, mut bads) = (vec![good(&writer)], Vec::new());
        for refusal in refusals {
            bads.push(bad(&writer, refusal));
            goods.push(good(&writer));
        }
        (goods, bads)
    });
    let mut places = Vec::new();
    for outcome in good {
        match outcome.blocking_recv().expect("an answer") {
            Ok(SubmitOutcome::Created(stored)) => places.push(stored.receipt.seq),
            other => panic!("{other:?}"),
        }
    }
    assert!(places.windows(2).all(|w| w[1] == w[0] + 1), "the refused left a gap: {places:?}");
    for outcome in bad {
        let outcome = outcome.blocking_recv().expect("an answer");
        assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    }
    drop(writer);
    thread.join();
    assert_eq!(number(&database, "SELECT count(*) FROM lead_inbox"), 3);
    let refused = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_REJECTED'";
    assert_eq!(number(&database, refused), 0);
    assert_sound(&database);
}

/// Damage that one job meets is its own: the leads of the same batch are stored, and leads can be stored.
#[test]
fn a_damaged_row_failed_every_lead_of_its_batch() {
    let Store { _folder, database, writer, thread } = start();
    let json = lead().to_string();
    let again = move || NewLead::parse(json.as_bytes()).expect("a lead");
    let (first, replayed) = (again(), again());
    let submit = |lead: NewLead| {
        writer.submit(move |tx| store::leads::submit::submit(tx, &lead, None)).expect("room")
    };
    submit(first).blocking_recv().expect("an answer").expect("it is stored");
    good(&writer).blocking_recv().expect("an answer").expect("it is stored");
    let outside = rusqlite::Connection::open(&database).expect("the database");
    outside
        .execute_batch(
            "DROP TRIGGER audit_log_refuses_update; UPDATE audit_log SET hash = 'x' || substr(hash, 2) WHERE seq = 1",
        )
        .expect("a tampered hash");
    let (goods, damaged) = in_one_batch(&writer, || {
        let before = good(&writer);
        let damaged = submit(replayed);
        (vec![before, good(&writer)], damaged)
    });
    for outcome in goods {
        let outcome = outcome.blocking_recv().expect("an answer");
        assert!(matches!(outcome, Ok(SubmitOutcome::Created(_))), "{outcome:?}");
    }
    let damaged = damaged.blocking_recv().expect("an answer");
    assert!(matches!(damaged, Err(StoreError::Corrupt(_))), "{damaged:?}");
    drop(writer);
    thread.join();
    assert_eq!(number(&database, "SELECT count(*) FROM lead_inbox"), 4);
}

/// While the index was built, nothing showed that leads could be stored, and after 45 s `/health` denied it.
#[test]
fn steady_maintenance_kept_the_writer_from_probing() {
    let Store { _folder, database, writer, thread } = start();
    let probed = "SELECT CAST(strftime('%s', probed_at_utc) AS INTEGER) FROM write_probe";
    let at_start = number(&database, probed);
    let end = Instant::now() + Duration::from_secs(90);
    while Instant::now() < end && number(&database, probed) == at_start {
        let step = writer.submit_maintenance(|_| Ok(())).expect("room");
        step.blocking_recv().expect("an answer").expect("no failure");
    }
    assert_ne!(number(&database, probed), at_start);
    drop(writer);
    thread.join();
}

#[test]
fn check_constraints_are_enforced_on_the_writers_own_connection() {
    let Store { _folder, database, writer, thread } = start();
    let id = "0198a6f2-0000-7000-8000-000000000001";
    let refused: [NewAuditRow<'static>; 3] = [
        event(Some("not an id")),
        NewAuditRow { request_id: Some("not an id"), ..event(Some(id)) },
        NewAuditRow { details_json: Some("{"), ..event(Some(id)) },
    ];
    for row in refused {
        let outcome = writer.run(move |tx| tx.append(&row));
        let Err(StoreError::Refused(cause)) = outcome else { panic!("{outcome:?}") };
        assert!(cause.contains("CHECK constraint failed"), "{cause}");
    }
    writer.run(move |tx| tx.append(&event(Some(id)))).expect("a valid row");
    drop(writer);
    thread.join();
    assert_eq!(number(&database, "SELECT count(*) FROM audit_log"), 1);
    assert_sound(&database);
}

/// A writer that ended with a panic would refuse every lead until somebody restarts the server.
#[test]
fn a_panicking_job_is_refused_alone_and_the_writer_continues() {
    let Store { _folder, database, writer, thread } = start();
    let (before, panics, after) = in_one_batch(&writer, || {
        (good(&writer), bad(&writer, |_| panic!("a defect")), good(&writer))
    });
    for outcome in [before, after, good(&writer)] {
        let outcome = outcome.blocking_recv().expect("an answer");
        assert!(matches!(outcome, Ok(SubmitOutcome::Created(_))), "{outcome:?}");
    }
    let outcome = panics.blocking_recv().expect("an answer");
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    drop(writer);
    thread.join();
    assert_eq!(number(&database, "SELECT count(*) FROM lead_inbox"), 3);
    assert_sound(&database);
}

#[test]
fn queued_jobs_are_stored_after_the_last_handle_is_dropped() {
    let Store { _folder, database, writer, thread } = start();
    let queued: Vec<_> = (0..100).map(|_| good(&writer)).collect();
    // As if their clients had hung up.
    drop(queued);
    drop(writer);
    thread.join();
    assert_eq!(number(&database, "SELECT count(*) FROM lead_inbox"), 100);
    assert_sound(&database);
}

#[test]
fn a_closed_writer_stores_queued_jobs_and_refuses_new_ones() {
    let Store { _folder, database, writer, thread } = start();
    let clone = writer.clone();
    let queued: Vec<_> = in_one_batch(&writer, || {
        let queued = (0..100).map(|_| good(&writer)).collect();
        writer.close();
        queued
    });
    for outcome in queued {
        let outcome = outcome.blocking_recv().expect("an answer");
        assert!(matches!(outcome, Ok(SubmitOutcome::Created(_))), "{outcome:?}");
    }
    let refused = clone.submit(|_| Ok(()));
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    assert!(thread.join_within(Duration::from_secs(60)), "it does not end while clones are kept");
    let wal = store::paths::sidecar_path(&database, "-wal");
    assert!(!wal.exists(), "{} is left", wal.display());
    assert!(matches!(clone.run(|_| Ok(())), Err(StoreError::Closed)));
    assert_eq!(number(&database, "SELECT count(*) FROM lead_inbox"), 100);
    assert_sound(&database);
}

/// The queue can be full while the disk does not respond.
#[test]
fn closing_a_writer_with_a_full_queue_does_not_block_or_lose_jobs() {
    let Store { _folder, database, writer, thread } = start();
    let queued: Vec<_> = in_one_batch(&writer, || {
        let full =
            std::iter::from_fn(|| writer.submit(|tx| tx.append(&event(None)).map(drop)).ok());
        let queued = full.collect();
        writer.close();
        queued
    });
    assert!(queued.len() >= 1024, "{}", queued.len());
    for outcome in queued {
        outcome.blocking_recv().expect("an answer").expect("stored");
    }
    assert!(thread.join_within(Duration::from_secs(60)));
    assert_sound(&database);
}

#[test]
fn two_writers_of_one_database_alternate() {
    let Store { _folder, database, writer, thread } = start();
    let clock = Clock::system();
    let (other_writer, second) =
        store::writer::open_cli_writer(&database, &clock).expect("a writer");
    let queued: Vec<_> =
        (0..200).map(|i| good(if i % 2 == 0 { &writer } else { &other_writer })).collect();
    for outcome in queued {
        assert!(matches!(outcome.blocking_recv(), Ok(Ok(SubmitOutcome::Created(_)))));
    }
    drop((writer, other_writer));
    thread.join();
    second.join();
    assert_eq!(number(&database, "SELECT count(*) FROM lead_inbox"), 200);
    assert_sound(&database);
}

pub(super) fn number(database: &std::path::Path, sql: &str) -> i64 {
    let conn = rusqlite::Connection::open(database).expect("the database");
    conn.query_row(sql, [], |row| row.get(0)).expect(sql)
}
