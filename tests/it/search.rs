//! Search: the results equal a full scan, whatever part of the leads is indexed.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use fastcore::clock::Clock;
use fastcore::domain::cursor::Cursor;
use fastcore::domain::filter::{LeadFilter, LeadOrder, Period};
use fastcore::domain::lead::status::LeadStatus;
use fastcore::domain::lead::{LeadService, NewLead};
use fastcore::domain::search::terms::SearchTerms;
use fastcore::domain::timestamp::Timestamp;
use fastcore::metrics::Metrics;
use fastcore::store;
use fastcore::store::leads::submit::SubmitOutcome;
use fastcore::store::read::{ReadPool, ReadTx};
use fastcore::store::writer::{Writer, WriterThread};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::admin::{self, Browser};
use crate::support::binary::{ServeProcess, command};
use crate::support::database::Database;
use crate::support::http::post_lead;
use crate::support::server::TestServer;
use crate::support::{IS_INDEXED, lead, wait_until};

/// A store with a clock that tests control.
struct Store {
    folder: TempDir,
    writer: Writer,
    thread: WriterThread,
    now: Arc<AtomicI64>,
}

impl Store {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Arc::new(AtomicI64::new(1_790_000_000_000_000));
        let micros = Arc::clone(&now);
        let moment = move || DateTime::from_timestamp_micros(micros.load(Ordering::Relaxed));
        let clock = Clock::from_fn(move || moment().expect("a moment"));
        let database = folder.path().join("fastcore.db");
        store::db::migrate::prepare(&database, &clock, "cli:test").expect("a schema");
        let (writer, thread, _) = store::writer::start_server_writer(
            &database,
            &clock,
            0,
            &Metrics::default(),
            store::writer::batch::CompletedBatch::notify,
        )
        .expect("a writer");
        Self { folder, writer, thread, now }
    }

    fn readers(&self) -> ReadPool {
        ReadPool::open(&self.folder.path().join("fastcore.db")).expect("readers")
    }

    /// Stores the n-th lead of a mixed lot; returns its id.
    fn add(&self, n: usize) -> String {
        let lead = mixed(n);
        match self
            .writer
            .run(move |tx| store::leads::submit::submit(tx, &lead, None))
            .expect("stored")
        {
            SubmitOutcome::Created(stored) => stored.lead_id,
            other => panic!("{other:?}"),
        }
    }

    fn set_status(&self, id: &str, to: LeadStatus) {
        let id = id.to_owned();
        self.writer
            .run(move |tx| store::leads::status::set_status(tx, &id, to, "cli:test"))
            .expect("changed");
    }

    fn view(&self, id: &str) {
        let id = id.to_owned();
        let record = move |tx: &mut store::tx::WriteTx<'_>| {
            store::leads::view::record_view(tx, &id, "staff:test")
        };
        assert!(self.writer.run(record).expect("recorded"));
    }

    fn later(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
    }

    /// A step of the index; says whether there is more to follow.
    fn advance(&self) -> bool {
        self.writer
            .run(|tx| store::search::index::index_next(tx, 33, Duration::MAX))
            .expect("a step");
        self.merge();
        self.readers().read(|snapshot| snapshot.search_lag()).expect("a number") > 0
    }

    /// A step of merging; says whether there is more to merge.
    fn merge(&self) -> bool {
        self.writer.run(store::search::index::merge_next).expect("a step")
    }

    /// The frames in the WAL.
    fn wal_frames(&self) -> i64 {
        let conn = Connection::open(self.folder.path().join("fastcore.db")).expect("a database");
        conn.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1)).expect("a number")
    }

    fn stop(self) -> TempDir {
        drop(self.writer);
        self.thread.join();
        self.folder
    }
}

/// The n-th lead of a mixed lot.
fn mixed(n: usize) -> NewLead {
    const NAMES: [&str; 6] = ["Zoë", "Jean-Luc", "Œdipe", "李雷", "Łukasz", "Ærø"];
    const TOPICS: [&str; 5] =
        ["compresseur", "compresseurs", "compression", "pont roulant", "cabine électrique"];
    const SERVICES: [Option<&str>; 4] = [Some("ponts"), Some("cabines"), Some("autre"), None];
    let mut lead = lead();
    const PHONES: [&str; 4] =
        ["06 12 34 56 78", "+33612345679", "0472001122 / 0612345678", "à venir"];
    lead["name"] = json!(format!("{} Lefèvre{}", NAMES[n % 6], n % 17));
    lead["phone"] = json!(PHONES[n % 4]);
    lead["email"] = json!(format!("client{}@atelier-{}.example.com", n % 29, n % 3));
    lead["company"] = if n.is_multiple_of(7) { json!(null) } else { json!("ÉTS Dupont & Fils") };
    lead["service"] = json!(SERVICES[n % 4]);
    // Some are canaries, which no filter finds unless it asks for them.
    if n % 23 == 20 {
        lead["meta"]["source"] = json!("canary");
    }
    // Older than hundreds of leads with a word of the same prefix.
    let rare = if n % 1700 == 3 { " compresseurette" } else { "" };
    lead["message"] = json!(format!(
        "Bonjour, notre {}{rare} n° {n} s'arrête depuis {} jours, _sponts _treceived \" * AND OR",
        TOPICS[n % 5],
        n % 11
    ));
    NewLead::parse(lead.to_string().as_bytes()).expect("a lead")
}

/// The ids of what a look at every lead finds, newest first.
fn looked_for(snapshot: &ReadTx<'_>, filter: &LeadFilter) -> Vec<String> {
    let mut leads = Vec::new();
    let take = &mut |lead: fastcore::domain::lead::Lead| {
        leads.push((lead.created_at_utc, lead.audit_seq, lead.id));
        ControlFlow::Continue(())
    };
    snapshot.leads(filter, take).expect("leads");
    leads.sort_unstable_by(|a, b| b.cmp(a));
    leads.into_iter().map(|(_, _, id)| id).collect()
}

/// The ids of the pages of a list, one after another.
fn paged(
    snapshot: &ReadTx<'_>,
    filter: &LeadFilter,
    order: LeadOrder,
    limit: usize,
) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = snapshot.lead_page(filter, order, before, limit).expect("a page");
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return ids };
        before = Some(Cursor::of(last));
        ids.extend(page.into_iter().map(|lead| lead.id));
    }
}

fn filters() -> Vec<LeadFilter> {
    let words = [
        "z",
        "zoe",
        "ZOË",
        "lefevre1",
        "lefevre16",
        "oed",
        "œd",
        "李",
        "lukas",
        "łuk",
        "aer",
        "ærø",
        "c",
        "co",
        "comp",
        "compre",
        "compres",
        "compress",
        "compresse",
        "compresseur",
        "compresseurs",
        "compression",
        "compressions",
        "electrique",
        "électr",
        "ets dup",
        "dupont fils zoe",
        "client7",
        "atelier",
        "example com",
        "33612",
        "+33 6",
        "06",
        "0612345678",
        "+33 (0)6 12 34 56 78",
        "06 12 34 5",
        "5679",
        "12 34",
        "lefevre 0472001122",
        "雷",
        "李雷",
        "compressors",
        "spray booths",
        "ponts",
        "n°",
        "\"*\" AND OR",
        "s arrete",
        "nothing",
        "_sponts",
        "sponts",
        "treceived",
        "compresseur received",
        "bonjour compresseurs 3 jours",
    ];
    let mut filters = vec![LeadFilter::default()];
    filters.extend(
        words.map(|q| LeadFilter { terms: Some(SearchTerms::parse(q)), ..Default::default() }),
    );
    let period = Period {
        since: Some(Timestamp::from_micros(1_790_000_000_000_002)),
        until: Some(Timestamp::from_micros(1_790_000_000_000_009)),
    };
    filters.extend([None, Some("compresseur"), Some("lef bonj")].map(|words| LeadFilter {
        terms: words.map(SearchTerms::parse),
        canary: true,
        ..Default::default()
    }));
    for status in
        [None, Some(LeadStatus::Received), Some(LeadStatus::Processing), Some(LeadStatus::Archived)]
    {
        for service in [None, Some(LeadService::Ponts), Some(LeadService::Diagnostic)] {
            for words in [None, Some("compresseur"), Some("lef bonj"), Some("électriques")] {
                for (period, opened) in
                    [(Period::default(), None), (period, None), (period, Some(false))]
                {
                    let terms = words.map(SearchTerms::parse);
                    filters.push(LeadFilter {
                        period,
                        service,
                        status,
                        opened,
                        terms,
                        person: None,
                        canary: false,
                    });
                }
                for opened in [Some(false), Some(true)] {
                    let terms = words.map(SearchTerms::parse);
                    filters.push(LeadFilter {
                        service,
                        status,
                        opened,
                        terms,
                        ..Default::default()
                    });
                }
            }
        }
    }
    filters
}

/// Compares every filter with a scan of all leads.
fn assert_finds_the_same(readers: &ReadPool) {
    let checked = readers.read(|snapshot| {
        for filter in filters() {
            let truth = looked_for(snapshot, &filter);
            for limit in [7, 1000] {
                let lag = snapshot.search_lag()?;
                let newest_first = paged(snapshot, &filter, LeadOrder::NewestFirst, limit);
                assert_eq!(newest_first, truth, "by {limit}: {filter:?} behind {lag}");
                let mut reversed = paged(snapshot, &filter, LeadOrder::OldestFirst, limit);
                reversed.reverse();
                assert_eq!(reversed, truth, "from the oldest by {limit}: {filter:?} behind {lag}");
            }
            assert_tally_is_true(snapshot, &filter, 10_000);
            assert_tally_is_true(snapshot, &filter, 3);
            let count = snapshot.lead_count(&filter, 10_000)?;
            assert_eq!((count.rows, count.exact), (truth.len(), true), "{filter:?}");
            let few = snapshot.lead_count(&filter, 3)?;
            assert_eq!((few.rows, few.exact), (truth.len().min(3), truth.len() <= 3), "{filter:?}");
            for (n, id) in truth.iter().enumerate().step_by(17) {
                let place = Cursor::of(&snapshot.lead(id)?.expect("a lead"));
                let neighbours = snapshot.neighbours(&filter, place)?;
                let newer = n.checked_sub(1).map(|n| truth[n].clone());
                assert_eq!(neighbours, (newer, truth.get(n + 1).cloned()), "{filter:?}");
            }
        }
        Ok(())
    });
    checked.expect("reads");
}

/// Compares the tally of a filter with a look at every lead.
fn assert_tally_is_true(snapshot: &ReadTx<'_>, filter: &LeadFilter, limit: usize) {
    let of = |status: Option<LeadStatus>, opened: Option<bool>| {
        looked_for(snapshot, &LeadFilter { status, opened, ..filter.clone() })
    };
    let tally = snapshot.lead_tally(filter, limit).expect("a tally");
    let tally = tally.unwrap_or_else(|| panic!("{filter:?} finds few"));
    for counted in tally.by_status {
        let status = Some(counted.status);
        for (count, truth) in
            [(counted.leads, of(status, None)), (counted.unopened, of(status, Some(false)))]
        {
            // It may stop early where the index has not followed, and then says so.
            let is_true = if count.exact { count.rows == truth.len() } else { count.rows <= limit };
            assert!(is_true && count.rows <= truth.len(), "{filter:?} {status:?} {count:?}");
            assert!(count.exact || limit <= truth.len().max(3), "{filter:?} {status:?} {count:?}");
        }
    }
    let oldest = of(Some(LeadStatus::Received), None).pop();
    let oldest = oldest.map(|id| snapshot.lead(&id).expect("a read").expect("a lead"));
    assert_eq!(tally.oldest_received, oldest.map(|lead| lead.created_at_utc), "{filter:?}");
}

#[test]
fn search_results_do_not_depend_on_index_progress() {
    let store = Store::start();
    let ids: Vec<String> = (0..60)
        .map(|n| {
            // Several in one microsecond, as in one transaction.
            store.later(i64::from(n % 5 == 0));
            store.add(n)
        })
        .collect();
    for (n, id) in ids.iter().enumerate().step_by(3) {
        let to = if n.is_multiple_of(2) { LeadStatus::Processing } else { LeadStatus::Archived };
        store.set_status(id, to);
    }
    ids.iter().step_by(4).for_each(|id| store.view(id));
    assert_finds_the_same(&store.readers());
    store.advance();
    assert_finds_the_same(&store.readers());
    store.advance();
    assert_finds_the_same(&store.readers());
    while store.advance() {}
    assert_finds_the_same(&store.readers());
    // What comes while it is not looked at, and what goes back to where it was.
    for (n, id) in ids.iter().enumerate().step_by(5) {
        store.set_status(
            id,
            if n.is_multiple_of(3) { LeadStatus::Received } else { LeadStatus::Resolved },
        );
    }
    ids.iter().step_by(7).for_each(|id| store.view(id));
    store.later(1);
    (60..70).for_each(|n| drop(store.add(n)));
    assert_finds_the_same(&store.readers());
    while store.advance() {}
    assert_finds_the_same(&store.readers());
    store.stop();
}

/// Where the index is asked for a status and words together, and where its quick answer has so much
/// too much that the exact one is asked for.
#[test]
fn search_among_many_leads_equals_a_full_scan() {
    let store = Store::start();
    let ids: Vec<String> = (0..3600)
        .map(|n| {
            store.later(i64::from(n % 3 == 0));
            store.add(n)
        })
        .collect();
    // Few are processing, at both ends; more than a thousand archived, in the middle.
    ids.iter().step_by(450).for_each(|id| store.set_status(id, LeadStatus::Processing));
    ids[1000..2200].iter().for_each(|id| store.set_status(id, LeadStatus::Archived));
    while store.advance() {}
    ids[2100..2110].iter().for_each(|id| store.set_status(id, LeadStatus::Received));
    // Some hundreds are left unopened, at both ends of what is archived.
    ids.iter().enumerate().filter(|(n, _)| n / 200 % 5 != 0).for_each(|(_, id)| store.view(id));
    while store.advance() {}
    let checked = store.readers().read(|snapshot| {
        for (status, opened) in [
            (None, None),
            (None, Some(false)),
            (None, Some(true)),
            (Some(LeadStatus::Received), None),
            (Some(LeadStatus::Processing), None),
            (Some(LeadStatus::Archived), None),
            (Some(LeadStatus::Archived), Some(false)),
        ] {
            for service in [None, Some(LeadService::Ponts), Some(LeadService::Diagnostic)] {
                for q in [
                    "",
                    "compres",
                    "compresseure",
                    "compressi lefevre16",
                    "lefevre1 jours",
                    "n 217",
                ] {
                    let words = Some(SearchTerms::parse(q));
                    let filter =
                        LeadFilter { status, opened, service, terms: words, ..Default::default() };
                    let truth = looked_for(snapshot, &filter);
                    let listed = paged(snapshot, &filter, LeadOrder::NewestFirst, 97);
                    assert_eq!(listed, truth, "{filter:?}");
                    let mut reversed = paged(snapshot, &filter, LeadOrder::OldestFirst, 97);
                    reversed.reverse();
                    assert_eq!(reversed, truth, "{filter:?}");
                    let count = snapshot.lead_count(&filter, 10_000)?;
                    assert_eq!((count.rows, count.exact), (truth.len(), true), "{filter:?}");
                    let place = Cursor { micros: 1_790_000_000_000_400, seq: 0 };
                    let older = truth.iter().find(|id| {
                        let lead = snapshot.lead(id).expect("a read").expect("a lead");
                        Cursor::of(&lead) < place
                    });
                    let (_, next) = snapshot.neighbours(&filter, place)?;
                    assert_eq!(next.as_ref(), older, "{filter:?}");
                }
            }
        }
        Ok(())
    });
    checked.expect("reads");
    store.stop();
}

#[test]
fn an_index_of_another_tokenizer_version_is_rebuilt() {
    let store = Store::start();
    (0..50).for_each(|n| drop(store.add(n)));
    while store.advance() {}
    let folder = store.stop();
    let database = folder.path().join("fastcore.db");
    let other = rusqlite::Connection::open(&database).expect("the database");
    let sql = "UPDATE search_index_state SET tokenizer_version = tokenizer_version - 1;
               INSERT INTO lead_search (lead_search) VALUES ('delete-all');
               INSERT INTO lead_search (rowid, words) VALUES (1, 'compresseur _sponts');";
    other.execute_batch(sql).expect("another version's index");
    drop(other);
    let (writer, thread, _) = store::writer::start_server_writer(
        &database,
        &Clock::system(),
        0,
        &Metrics::default(),
        store::writer::batch::CompletedBatch::notify,
    )
    .expect("a writer");
    let readers = ReadPool::open(&database).expect("readers");
    assert_finds_the_same(&readers);
    while readers.read(|s| s.search_lag()).expect("a number") > 0 {
        writer.run(|tx| store::search::index::index_next(tx, 33, Duration::MAX)).expect("a step");
        assert_finds_the_same(&readers);
    }
    assert_eq!(whole_words(&database, "compresseur"), 9, "what the other rules said is gone");
    drop(writer);
    thread.join();
}

#[test]
fn a_step_of_the_search_index_wrote_hundreds_of_pages() {
    let store = Store::start();
    let mut largest = 0;
    let mut measured = |step: &dyn Fn() -> bool| {
        let before = store.wal_frames();
        let more = step();
        // SQLite may have begun the WAL again.
        largest = largest.max(store.wal_frames() - before);
        more
    };
    for fifty in 0..100 {
        let leads: Vec<NewLead> = (0..50).map(|n| mixed(fifty * 50 + n)).collect();
        let add = move |tx: &mut store::tx::WriteTx<'_>| {
            leads.iter().try_for_each(|lead| store::leads::submit::submit(tx, lead, None).map(drop))
        };
        store.writer.run(add).expect("stored");
        let index = |tx: &mut store::tx::WriteTx<'_>| {
            store::search::index::index_next(tx, 50, Duration::MAX)
        };
        measured(&|| store.writer.run(index).is_err());
        measured(&|| store.merge());
    }
    while measured(&|| store.merge()) {}
    let segments = "SELECT count(DISTINCT segid) FROM lead_search_idx";
    let database = Connection::open(store.folder.path().join("fastcore.db")).expect("a database");
    let segments: i64 = database.query_row(segments, [], |row| row.get(0)).expect("a number");
    // Fifty leads: a page each of those that list leads by person, and what the words need.
    assert!(largest < 150, "{largest} pages in one step");
    assert!(segments < 16, "{segments} segments");
    drop(database);
    store.stop();
}

#[test]
fn the_wal_stays_small_while_the_index_catches_up() {
    let store = Store::start();
    for thousand in 0..20 {
        let leads: Vec<NewLead> = (0..1000).map(|n| mixed(thousand * 1000 + n)).collect();
        let add = move |tx: &mut store::tx::WriteTx<'_>| {
            leads.iter().try_for_each(|lead| store::leads::submit::submit(tx, lead, None).map(drop))
        };
        store.writer.run(add).expect("stored");
    }
    let readers = store.readers();
    let mut steps = 0;
    while readers.read(|s| s.search_lag()).expect("a number") > 0 {
        store
            .writer
            .run(|tx| store::search::index::index_next(tx, 256, Duration::MAX))
            .expect("a step");
        steps += 1;
    }
    let log = store.folder.path().join("fastcore.db-wal").metadata().expect("a log").len() >> 20;
    assert!(log < 80, "{log} MiB after {steps} steps");
    store.stop();
}

/// Damages the record of the index's structure, as FTS5 keeps it.
const DAMAGES: [&str; 2] = [
    "UPDATE lead_search_data SET block = x'ff' WHERE id = 10",
    "DELETE FROM lead_search_data WHERE id = 10",
];

#[test]
fn a_damaged_search_index_is_rebuilt_and_stops_no_lead() {
    for damage in DAMAGES {
        let server = TestServer::start();
        let post = || {
            let mut lead = lead();
            lead["message"] = json!("Notre transbordeur ne démarre plus depuis hier");
            assert_eq!(post_lead(server.address, &lead).status, 201, "{damage}");
        };
        let follows = || server.eventually(|| server.number(IS_INDEXED) == 1);
        (0..20).for_each(|_| post());
        assert!(follows(), "{damage}");
        server.sqlite().execute_batch(damage).expect(damage);
        (0..20).for_each(|_| post());
        assert!(follows(), "{damage}");
        assert_eq!(whole_words(&server.database(), "transbordeur"), 40, "{damage}");
        let check = "INSERT INTO lead_search (lead_search) VALUES ('integrity-check')";
        server.sqlite().execute_batch(check).expect(check);
    }
}

#[test]
fn a_damaged_list_of_the_search_index_failed_every_search_for_its_words() {
    let server = TestServer::start();
    let mut browser = admin::create_first_account(&server);
    for n in 0..20 {
        let mut lead = lead();
        lead["message"] = json!(format!("Notre transbordeur {n} ne démarre plus depuis hier"));
        assert_eq!(post_lead(server.address, &lead).status, 201);
    }
    assert!(server.eventually(|| server.number(IS_INDEXED) == 1));
    // A merge that follows the indexing would meet the damage first.
    std::thread::sleep(Duration::from_secs(1));
    // A leaf of a list; the records of the index's structure have small ids.
    // Not random bytes: some of them read as an empty list.
    let damage = "UPDATE lead_search_data
                  SET block = unhex(replace(hex(zeroblob(length(block))), '00', 'ff')) WHERE id > 1000";
    server.sqlite().execute_batch(damage).expect("damaged");
    let search = "q=transbordeur";
    let first = browser.list(search);
    assert_eq!(first.status, 503, "{}", first.body);
    let code = "search_index_damaged";
    assert_eq!(browser.read("/admin/api/status")["warnings"][0]["code"], code);
    let is_found = |browser: &mut Browser| {
        let found = browser.list(search);
        found.status == 200 && found.json()["leads"].as_array().expect("leads").len() == 20
    };
    assert!(server.eventually(|| is_found(&mut browser)));
    let is_sound = |browser: &mut Browser| {
        let status = browser.read("/admin/api/status");
        status["warnings"].as_array().expect("a list").iter().all(|it| it["code"] != code)
    };
    assert!(server.eventually(|| is_sound(&mut browser)));
    assert_eq!(whole_words(&server.database(), "transbordeur"), 20);
}

#[test]
fn a_damaged_search_index_failed_every_backup_and_check_advised_a_restore() {
    let database = Database::sample();
    let server = ServeProcess::start(database.folder());
    assert!(wait_until(|| database.one(IS_INDEXED) == "1"));
    drop(server);
    let damage = "UPDATE lead_search_data SET block = randomblob(length(block)) WHERE id > 1000";
    database.sqlite().execute_batch(damage).expect("damaged");
    database.succeed(&["backup", "create", "backup.db"]);
    database.succeed(&["backup", "verify", "backup.db"]);
    let finding = || {
        let findings = database.run(&["check", "--json"]).stdout;
        let findings: Value = serde_json::from_slice(&findings).expect("JSON");
        let all = findings.as_array().expect("findings").clone();
        all.into_iter().find(|it| it["check"] == "integrity").expect("a finding")
    };
    let found = finding();
    assert_eq!(found["level"], "warning", "{found}");
    assert!(found["hint"].as_str().expect("a hint").contains("rebuild-index"), "{found}");
    database.succeed(&["lead", "rebuild-index"]);
    assert_eq!(finding()["level"], "ok");

    // A scheduled backup that meets it has it rebuilt.
    let mut serve = command(database.folder(), &["serve"]);
    serve.envs([("FASTCORE_BACKUP_DIR", "backups"), ("FASTCORE_BACKUP_EVERY", "1s")]);
    let _server = ServeProcess::spawn(&mut serve);
    assert!(wait_until(|| database.one(IS_INDEXED) == "1"));
    database.sqlite().execute_batch(damage).expect("damaged");
    assert!(wait_until(|| finding()["level"] == "ok"));
}

#[test]
fn a_damaged_search_index_kept_a_lead_from_being_erased() {
    for damage in DAMAGES {
        let database = Database::sample();
        database.sqlite().execute_batch(damage).expect(damage);
        let id = database.one("SELECT id FROM lead_inbox WHERE audit_seq = 1");
        database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"]);
        assert_eq!(database.one("SELECT count(*) FROM lead_inbox WHERE audit_seq = 1"), "0");
        database.succeed(&["audit", "verify"]);
    }
}

/// How many rows of the index have a word.
fn whole_words(database: &Path, word: &str) -> i64 {
    let conn = rusqlite::Connection::open(database).expect("the database");
    let sql = "SELECT count(*) FROM lead_search WHERE lead_search MATCH ?1";
    conn.query_row(sql, [word], |row| row.get(0)).expect(sql)
}
