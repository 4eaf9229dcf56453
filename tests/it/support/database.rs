//! A database with a history: made once by a real server, copied for each test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::Client;
use super::server::TestServer;
use super::{binary, lead, sql};

/// The history of [`Database::sample`]; leads 1 to 5 arrive in audit rows 1 to 5.
pub(crate) const HISTORY: [&str; 9] = [
    "LEAD_RECEIVED",
    "LEAD_RECEIVED",
    "LEAD_RECEIVED",
    "LEAD_RECEIVED",
    "LEAD_RECEIVED",
    "LEAD_DUPLICATE",
    "LEAD_CONFLICT",
    "LEAD_REJECTED",
    "LEAD_PROCESSED",
];

pub(crate) struct Database {
    folder: TempDir,
    /// The receipts of the leads, as the site was given them.
    pub(crate) receipts: Vec<String>,
}

impl Database {
    /// Five leads of every service, one sent twice, one in conflict, one refused, and the second
    /// one (which has no phone, company, service or consent) being processed.
    pub(crate) fn sample() -> Self {
        static MADE: OnceLock<(Vec<u8>, Vec<String>)> = OnceLock::new();
        let (bytes, receipts) = MADE.get_or_init(|| {
            let made = Self::of(&sample_leads(), &|client, leads| {
                assert_eq!(client.post_lead(&leads[0]).status, 200);
                let mut other = leads[0].clone();
                other["name"] = json!("Someone Else");
                assert_eq!(client.post_lead(&other).status, 409);
                other["email"] = json!("nobody");
                assert_eq!(client.post_lead(&other).status, 422);
            });
            let second = made.one("SELECT id FROM lead_inbox WHERE audit_seq = 2");
            binary::succeed(made.folder(), &["lead", "set-status", &second, "processing"]);
            let events = sql::rows(&made.sqlite(), "SELECT event FROM audit_log ORDER BY seq");
            let events: Vec<_> = events.iter().map(|r| r[0].as_deref().unwrap_or("")).collect();
            assert_eq!(events, HISTORY);
            (fs::read(made.path()).expect("the file"), made.receipts)
        });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fastcore.db");
        fs::write(&path, bytes).expect("a copy");
        // As a server creates it; `check` reports any other mode.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
        Self { folder, receipts: receipts.clone() }
    }

    /// A server's database with these leads.
    pub(crate) fn with(leads: &[Value]) -> Self {
        Self::of(leads, &|_, _| {})
    }

    fn of(leads: &[Value], then: &dyn Fn(&mut Client, &[Value])) -> Self {
        let mut server = TestServer::start();
        let mut client = Client::connect(server.address);
        let mut receipts = Vec::new();
        for lead in leads {
            let answer = client.post_lead(lead);
            assert_eq!(answer.status, 201, "{answer:?}");
            receipts.push(answer.json()["receipt"].as_str().expect("a receipt").to_owned());
        }
        then(&mut client, leads);
        drop(client);
        server.stop();
        // A reader that outlives the server may have kept it from emptying its WAL.
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        server.sqlite().execute_batch(checkpoint).expect(checkpoint);
        let folder = tempfile::tempdir().expect("a folder");
        fs::copy(server.database(), folder.path().join("fastcore.db")).expect("a copy");
        Self { folder, receipts }
    }

    /// A folder for a database, without one.
    pub(crate) fn without_file() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), receipts: Vec::new() }
    }

    /// A schema without rows.
    pub(crate) fn empty() -> Self {
        let database = Self::without_file();
        database.succeed(&["migrate"]);
        database
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("fastcore.db")
    }

    /// A command on this database.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        binary::run(self.folder(), arguments)
    }

    /// What a command that must succeed writes.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        binary::succeed(self.folder(), arguments)
    }

    /// A connection as another program opens it: with none of our pragmas.
    pub(crate) fn sqlite(&self) -> Connection {
        let conn = Connection::open(self.path()).expect("the database");
        conn.busy_timeout(Duration::from_secs(10)).expect("a timeout");
        conn.execute_batch("PRAGMA foreign_keys = OFF").expect("a pragma");
        conn
    }

    /// The one text that a query gives.
    pub(crate) fn one(&self, sql: &str) -> String {
        let rows = sql::rows(&self.sqlite(), sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0][0].clone().expect(sql)
    }

    /// The id of a lead by its place.
    pub(crate) fn lead_id(&self, place: i64) -> String {
        self.one(&format!("SELECT id FROM lead_inbox WHERE audit_seq = {place}"))
    }

    /// Changes rows behind the triggers' back; they are there again afterwards, to the letter.
    pub(crate) fn tamper(&self, change: impl FnOnce(&Connection)) {
        let conn = self.sqlite();
        conn.execute_batch("PRAGMA ignore_check_constraints = ON").expect("a pragma");
        let triggers =
            sql::rows(&conn, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
        let text = |cell: &Option<String>| cell.clone().expect("text");
        for trigger in &triggers {
            conn.execute_batch(&format!("DROP TRIGGER {}", text(&trigger[0]))).expect("a drop");
        }
        change(&conn);
        for trigger in &triggers {
            conn.execute_batch(&text(&trigger[1])).expect("a trigger");
        }
    }

    /// Lets the next search look at every lead, as after a change of the leads behind its back.
    pub(crate) fn forget_search(&self) {
        let forget = "UPDATE search_index_state SET indexed_through = 0, tokenizer_version = 0";
        self.sqlite().execute_batch(forget).expect(forget);
    }

    /// [`Self::tamper`] by statements.
    pub(crate) fn tamper_sql(&self, sql: &str) {
        self.tamper(|conn| conn.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}")));
    }

    /// Every row of every table but the search index, as text that two states can be compared by.
    pub(crate) fn dump(&self) -> String {
        let conn = self.sqlite();
        let tables = "SELECT name FROM sqlite_schema
                      WHERE type = 'table' AND name NOT LIKE 'lead_search%' ORDER BY name";
        let dump = |table: &str| {
            let rows = sql::rows(&conn, &format!("SELECT rowid, * FROM {table} ORDER BY rowid"));
            format!("{table}: {rows:#?}\n")
        };
        let tables = sql::rows(&conn, tables);
        tables.iter().map(|t| dump(t[0].as_deref().expect("a name"))).collect()
    }
}

fn sample_leads() -> Vec<Value> {
    let mut leads: Vec<Value> = (0..5).map(|_| lead()).collect();
    for field in ["phone", "company", "service"] {
        leads[1].as_object_mut().expect("an object").remove(field);
    }
    leads[1]["consent"] = json!(false);
    leads[2]["name"] = json!("Zoë Lefèvre-Œuvrard");
    leads[2]["company"] = json!("Électricité Générale");
    leads[2]["service"] = json!("ponts");
    leads[3]["service"] = json!("cabines");
    leads[3]["meta"]["user_agent_hash"] = json!(null);
    leads[4]["service"] = json!("compresseurs");
    leads[4]["message"] = json!("Première ligne du message\n\tet une deuxième, avec € et 😀");
    leads
}
