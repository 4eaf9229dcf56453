//! The ordinary way: a pool of connections, one transaction per request, on the same schema.

use std::path::Path;
use std::time::{Duration, Instant};

use fastcore::app::migrate;
use fastcore::clock::Clock;
use fastcore::domain::audit::{ACTOR_SITE, AuditEvent};
use fastcore::domain::hash_chain::{ChainEntry, ChainPosition, LeadDigestInput, Sha256Hash};
use fastcore::domain::lead::parse::LeadParseError;
use fastcore::domain::lead::{LeadService, NewLead};
use fastcore::domain::timestamp::Timestamp;
use fastcore::store::db::lock::ServerLock;
use fastcore::store::leads::submit::StoredLead;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

#[derive(Clone)]
pub(super) struct Ordinary(Pool<SqliteConnectionManager>);

impl Ordinary {
    pub(super) fn open(path: &Path) -> Self {
        make(path);
        let manager = SqliteConnectionManager::file(path).with_init(|c| init(c));
        Self(Pool::builder().max_size(8).build(manager).expect("a pool"))
    }

    pub(super) async fn store(&self, lead: NewLead) -> StoredLead {
        let pool = self.0.clone();
        let work = move || store(&mut pool.get().expect("a connection"), &lead).expect("a commit");
        tokio::task::spawn_blocking(work).await.expect("no panic")
    }
}

/// The median time of one lead's transaction, with nothing around it.
pub(super) fn bare_commit_ms() -> f64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("bare.db");
    make(&path);
    let mut conn = Connection::open(&path).expect("a database");
    init(&conn).expect("pragmas");
    let mut times: Vec<Duration> = (0..2000)
        .map(|_| {
            let lead = lead();
            let began = Instant::now();
            store(&mut conn, &lead).expect("a commit");
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn lead() -> NewLead {
    let id = Uuid::new_v4();
    let body = format!(
        r#"{{"name":"Jean Dupont","email":"jean@example.com","message":"Mon compresseur ne démarre plus depuis hier","consent":true,"meta":{{"source":"fast-techservices.com","request_id":"{id}","ip_hash":"abc123","timestamp_utc":"2026-01-03T10:30:45Z"}}}}"#
    );
    NewLead::parse(body.as_bytes()).unwrap_or_else(|e: LeadParseError| panic!("{e:?}"))
}

fn make(path: &Path) {
    let lock = ServerLock::take(path).expect("the lock");
    migrate::prepare(path, &Clock::system(), "bench", &lock).expect("a schema");
}

fn init(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(30))?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
}

/// Stores a lead and its audit row in one transaction.
fn store(conn: &mut Connection, lead: &NewLead) -> rusqlite::Result<StoredLead> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let request_id = lead.request_id().to_string();
    assert!(
        !tx.prepare_cached("SELECT 1 FROM lead_inbox WHERE request_id = ?1")?
            .exists([&request_id])?
    );
    let last = tx
        .prepare_cached("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let head = last.map_or(ChainPosition::START, |(seq, hash)| ChainPosition {
        seq,
        hash: Sha256Hash::parse(&hash).expect("a hash"),
    });
    let (lead_id, event_id) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    let now = Timestamp::from(Clock::system().now());
    let created_at_utc = now.to_string();
    let salt: [u8; 16] = rand::random();
    let columns = LeadDigestInput {
        salt: &salt,
        id: lead_id.as_str(),
        created_at_utc: &created_at_utc,
        name: lead.name(),
        email: lead.email().as_str(),
        phone: lead.phone(),
        company: lead.company(),
        service: lead.service().map(LeadService::as_str),
        message: lead.message(),
        consent: lead.consent(),
        source: lead.source(),
        request_id: &request_id,
        ip_hash: lead.ip_hash(),
        meta_json: Some(lead.meta_json()),
    };
    let details = serde_json::json!({
        "email": lead.email().masked(),
        "service": columns.service,
        "ip_hash": columns.ip_hash,
        "lead_digest": columns.digest().to_string(),
    });
    let details = details.to_string();
    let link = ChainEntry {
        seq: head.seq + 1,
        id: event_id.as_str(),
        created_at_utc: &created_at_utc,
        event: AuditEvent::LeadReceived.as_str(),
        actor: Some(ACTOR_SITE),
        lead_id: Some(&lead_id),
        request_id: Some(&request_id),
        status_code: Some(201),
        details_json: Some(&details),
    };
    let hash = link.hash(&head.hash);
    tx.prepare_cached("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            link.seq,
            link.id,
            link.created_at_utc,
            link.event,
            link.actor,
            link.lead_id,
            link.request_id,
            link.status_code,
            link.details_json,
            hash.to_string()
        ],
    )?;
    tx.prepare_cached(
        "INSERT INTO lead_inbox (audit_seq, id, created_at_utc, name, email, phone, company, service,
         message, consent, source, request_id, ip_hash, meta_json, salt)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        link.seq,
        columns.id,
        columns.created_at_utc,
        columns.name,
        columns.email,
        columns.phone,
        columns.company,
        columns.service,
        columns.message,
        columns.consent,
        columns.source,
        columns.request_id,
        columns.ip_hash,
        columns.meta_json,
        columns.salt
    ])?;
    tx.commit()?;
    let receipt = ChainPosition { seq: link.seq, hash };
    Ok(StoredLead { lead_id, created_at_utc: now, receipt })
}
