//! Proves the audit log: its schema, its sequence, its chain, every lead against its digest. One walk
//! over both tables side by side, in constant memory; it only reads.

use crate::store::db::open;
use crate::store::db::schema;
use std::borrow::Cow;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use serde::{Deserialize, Serialize};

use crate::domain::audit::{AuditEvent, RawChainEntry};
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::store::audit::rows::{AUDIT_LOG, LEAD_INBOX, as_received, raw_chain_entry, text};
use crate::store::db::btree::{Pages, Selected, Source};
use crate::store::error::StoreError;

/// More findings than this are only counted.
const MOST: usize = 20;
/// How often the walk reports its progress, in rows.
const STEP: u64 = 50_000;
/// A cache that is little more than the path to a row, in pages.
const FEW_PAGES: i32 = 20;

/// What was found; valid when there is no finding.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    pub valid: bool,
    pub audit_rows: u64,
    pub leads: u64,
    /// The last row, as `SEQ:HASH`; none while the log is empty.
    pub head: Option<String>,
    /// The first ones, in the order of the log.
    pub findings: Vec<String>,
    /// All of them, counted.
    pub finding_count: u64,
}

/// Walks over everything in one snapshot; with `file`, asks SQLite about the rest of the file too.
pub(crate) fn verify(
    conn: &Connection,
    receipts: &[ChainPosition],
    file: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyReport, StoreError> {
    let mut findings = Findings::default();
    let mut walk = ChainVerifier::default();
    let snapshot = conn.unchecked_transaction()?;
    // The walk reads each page once: a few buffers stay in the processor's own cache.
    snapshot.pragma_update(None, "cache_size", FEW_PAGES)?;
    let walked = check_schema(&snapshot, &mut findings)
        .and_then(|()| walk.everything(&snapshot, receipts, &mut findings, progress));
    // A page that cannot be read is a finding too, and says how far everything held.
    if let Some(cause) = unreadable(walked)? {
        let held = walk.head.seq;
        findings.add(format!("after audit row {held} the database cannot be read: {cause}"));
    }
    if file && let Some(cause) = unreadable(check_file(&snapshot, &mut findings))? {
        findings.add(format!("the file cannot be checked: {cause}"));
    }
    Ok(VerifyReport {
        valid: findings.count == 0,
        audit_rows: walk.rows,
        leads: walk.leads,
        head: (walk.rows > 0).then(|| walk.head.to_string()),
        findings: findings.first,
        finding_count: findings.count,
    })
}

/// Why the database cannot be read, where that is what went wrong.
fn unreadable(done: Result<(), StoreError>) -> Result<Option<String>, StoreError> {
    match done {
        Ok(()) => Ok(None),
        Err(StoreError::Corrupt(cause) | StoreError::Sqlite(cause) | StoreError::Io(cause)) => {
            Ok(Some(cause))
        }
        Err(other) => Err(other),
    }
}

#[derive(Default)]
struct Findings {
    first: Vec<String>,
    count: u64,
}

impl Findings {
    fn add(&mut self, finding: String) {
        self.count += 1;
        if self.first.len() < MOST {
            self.first.push(finding);
        }
    }
}

/// Compares the text of tables, indexes and triggers with what this binary makes.
fn check_schema(conn: &Connection, findings: &mut Findings) -> Result<(), StoreError> {
    if schema::is_pending(conn)? {
        // An older backup; its tables are as they were then.
        return Ok(());
    }
    let ours = schema::reference_schema()?;
    let theirs = schema::schema(conn)?;
    for (name, sql) in &ours {
        match theirs.iter().find(|(n, _)| n == name) {
            None => findings.add(format!("schema: {name} is missing")),
            Some((_, text)) if text != sql => findings.add(format!("schema: {name} was altered")),
            Some(_) => {}
        }
    }
    for (name, _) in theirs.iter().filter(|(n, _)| !ours.iter().any(|(o, _)| o == n)) {
        findings.add(format!("schema: {name} does not belong to FASTCore"));
    }
    Ok(())
}

/// Holds the file itself to what SQLite expects of it.
fn check_file(conn: &Connection, findings: &mut Findings) -> Result<(), StoreError> {
    for fault in crate::store::db::integrity::file(conn)? {
        findings.add(format!("the file: {fault}"));
    }
    Ok(())
}

struct ChainVerifier {
    rows: u64,
    leads: u64,
    head: ChainPosition,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self { rows: 0, leads: 0, head: ChainPosition::START }
    }
}

/// What the log tells of a lead's arrival, as far as it is needed here.
struct Arrival<'a> {
    digest: Option<Sha256Hash>,
    /// What the lead came with; nothing but `received` unless the row says so.
    status: &'a [u8],
}

impl ChainVerifier {
    fn everything(
        &mut self,
        conn: &Connection,
        receipts: &[ChainPosition],
        findings: &mut Findings,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let pages = (Pages::of(conn, &AUDIT_LOG)?, Pages::of(conn, &LEAD_INBOX)?);
        if let (Some(links), Some(leads)) = pages {
            return self.rows(conn, links, leads, receipts, findings, progress);
        }
        let mut links = conn.prepare(&AUDIT_LOG.select())?;
        let mut leads = conn.prepare(&LEAD_INBOX.select())?;
        let links = Selected::of(&mut links, &AUDIT_LOG)?;
        let leads = Selected::of(&mut leads, &LEAD_INBOX)?;
        self.rows(conn, links, leads, receipts, findings, progress)
    }

    fn rows(
        &mut self,
        conn: &Connection,
        mut links: impl Source<10>,
        leads: impl Source<16>,
        receipts: &[ChainPosition],
        findings: &mut Findings,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let mut erased =
            conn.prepare("SELECT 1 FROM audit_log WHERE lead_id = ?1 AND event = 'LEAD_ERASED'")?;
        let mut present = conn.prepare("SELECT 1 FROM lead_inbox WHERE id = ?1")?;
        let mut unmarked = conn.prepare(
            "SELECT 1 FROM lead_inbox AS l WHERE l.id = ?1
             AND NOT EXISTS (SELECT 1 FROM lead_status AS s WHERE s.audit_seq = l.audit_seq)",
        )?;
        let mut leads = LeadScan::new(leads)?;
        while links.advance()? {
            let row = links.values()?;
            let stored = match raw_chain_entry(&row) {
                Ok(stored) => stored,
                Err(e) => {
                    let seq = row[0].as_i64().unwrap_or(0);
                    findings.add(format!("audit row {seq}: a column is of the wrong type ({e})"));
                    let hash = text(&row[9]).ok().and_then(Sha256Hash::parse);
                    self.head = ChainPosition { seq, hash: hash.unwrap_or_default() };
                    self.rows += 1;
                    continue;
                }
            };
            self.link(&stored, receipts, findings);
            leads.report_orphans(Some(stored.link.seq), findings)?;
            if let Some(arrival) = arrival(&stored) {
                leads.match_lead(&stored, &arrival, &mut erased, findings)?;
            } else if is(&stored, AuditEvent::LeadErased) && present.exists([lead_id(&stored)])? {
                let (seq, id) = (stored.link.seq, lead_id(&stored));
                findings
                    .add(format!("lead {id} is there, and audit row {seq} tells of its erasure"));
            }
            if is(&stored, AuditEvent::LeadProcessed) && unmarked.exists([lead_id(&stored)])? {
                findings.add(status_differs(&lead_id(&stored)));
            }
            self.rows += 1;
            if self.rows.is_multiple_of(STEP) {
                progress(self.rows);
            }
        }
        leads.report_orphans(None, findings)?;
        self.leads = leads.met;
        check_status(conn, findings)?;
        self.check_end(conn, receipts, findings)
    }

    /// Checks a row against the one before it.
    fn link(
        &mut self,
        stored: &RawChainEntry<'_>,
        receipts: &[ChainPosition],
        findings: &mut Findings,
    ) {
        let seq = stored.link.seq;
        let expected = self.head.seq + 1;
        if seq != expected {
            let missing = if seq == expected + 1 {
                format!("row {expected} is missing")
            } else {
                format!("rows {expected} to {} are missing", seq - 1)
            };
            findings.add(format!("audit {missing}"));
        }
        let hash = Sha256Hash::parse(stored.hash);
        if seq == expected && hash != Some(stored.link.hash(&self.head.hash)) {
            findings.add(format!(
                "audit row {seq} ({}) was altered: its hash does not follow from it and the row before",
                String::from_utf8_lossy(stored.link.event)
            ));
        }
        // Goes on from the stored hash, so that each further break is found where it is.
        self.head = ChainPosition { seq, hash: hash.unwrap_or_default() };
        for receipt in receipts.iter().filter(|r| r.seq == seq && r.hash != self.head.hash) {
            findings.add(format!("audit row {seq} is not the one of the receipt {receipt}"));
        }
    }

    /// What is missing at the end.
    fn check_end(
        &self,
        conn: &Connection,
        receipts: &[ChainPosition],
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let last = self.head.seq;
        let counter = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit_log'";
        let counter: i64 = conn.query_row(counter, [], |row| row.get(0))?;
        if counter != last {
            findings.add(format!(
                "the audit log ends at row {last}, and SQLite's own counter says {counter}: the end was cut off"
            ));
        }
        for receipt in receipts.iter().filter(|r| r.seq > last) {
            findings.add(format!("the audit log ends at row {last}, before the receipt {receipt}: the end was cut off"));
        }
        Ok(())
    }
}

fn is(stored: &RawChainEntry<'_>, event: AuditEvent) -> bool {
    stored.link.event == event.as_str().as_bytes()
}

/// What a row tells of a lead's arrival; `None` where it tells of something else.
fn arrival<'a>(stored: &RawChainEntry<'a>) -> Option<Arrival<'a>> {
    let details = stored.link.details_json.unwrap_or_default();
    let (digest, status) = if is(stored, AuditEvent::LeadReceived) {
        match last_digest(details) {
            Some(digest) => (Some(digest), None),
            None => details_of(details),
        }
    } else if is(stored, AuditEvent::LeadImported) {
        details_of(details)
    } else {
        return None;
    };
    Some(Arrival { digest, status: status.unwrap_or("received").as_bytes() })
}

/// The digest where the writer puts it, at the end: found ten times as fast as by reading the whole.
fn last_digest(details: &[u8]) -> Option<Sha256Hash> {
    let (before, digest) = details.strip_suffix(br#""}"#)?.split_last_chunk::<64>()?;
    before.ends_with(br#","lead_digest":""#).then(|| Sha256Hash::parse(digest)).flatten()
}

/// A lead's digest and status in the details of its arrival, whatever their form.
fn details_of(details: &[u8]) -> (Option<Sha256Hash>, Option<&str>) {
    #[derive(Default, Deserialize)]
    struct Details<'a> {
        #[serde(borrow)]
        lead_digest: Option<&'a str>,
        #[serde(borrow)]
        status: Option<&'a str>,
    }
    let Details { lead_digest, status } = serde_json::from_slice(details).unwrap_or_default();
    (lead_digest.and_then(Sha256Hash::parse), status)
}

/// The lead that a row tells of; empty where there is none.
fn lead_id<'a>(stored: &RawChainEntry<'a>) -> Cow<'a, str> {
    String::from_utf8_lossy(stored.link.lead_id.unwrap_or_default())
}

/// Holds the present statuses, kept apart to filter by, against what the log said last.
fn check_status(conn: &Connection, findings: &mut Findings) -> Result<(), StoreError> {
    let mut statement = conn.prepare(
        "SELECT l.id FROM lead_status AS s JOIN lead_inbox AS l ON l.audit_seq = s.audit_seq
         WHERE s.status IS NOT (
             SELECT CASE WHEN json_valid(details_json) THEN details_json ->> 'to' END
             FROM audit_log WHERE lead_id = l.id AND event = 'LEAD_PROCESSED' ORDER BY seq DESC LIMIT 1
         )",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        findings.add(status_differs(&row.get::<_, String>(0)?));
    }
    Ok(())
}

fn status_differs(id: &str) -> String {
    format!("lead {id}: its status is not what the audit log said last")
}

/// The leads in the order of their audit rows, one ahead.
struct LeadScan<S> {
    rows: S,
    /// The place of the one that is next in line.
    place: Option<i64>,
    met: u64,
}

impl<S: Source<16>> LeadScan<S> {
    fn new(rows: S) -> Result<Self, StoreError> {
        let mut leads = Self { rows, place: None, met: 0 };
        leads.advance()?;
        Ok(leads)
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        let there = self.rows.advance()?;
        self.place = if there { Some(self.rows.key()?) } else { None };
        Ok(())
    }

    /// LeadScan, up to a place or to the end, whose audit row is not there, or does not tell of an
    /// arrival.
    fn report_orphans(
        &mut self,
        seq: Option<i64>,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        while let Some(place) = self.place.filter(|place| seq.is_none_or(|seq| *place < seq)) {
            let row = self.rows.values()?;
            let id = row[0].as_str().unwrap_or("(its id is no text)");
            findings.add(format!("lead {id}: audit row {place} does not tell of its arrival"));
            self.met += 1;
            self.advance()?;
        }
        Ok(())
    }

    /// Holds the lead against the row that tells of its arrival.
    fn match_lead(
        &mut self,
        stored: &RawChainEntry<'_>,
        arrival: &Arrival<'_>,
        erased: &mut Statement<'_>,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        if self.place != Some(stored.link.seq) {
            let id = lead_id(stored);
            if !erased.exists([&id])? {
                findings.add(format!(
                    "lead {id} (audit row {}) is missing, and no erasure tells why",
                    stored.link.seq
                ));
            }
            return Ok(());
        }
        if !matches_audit_row(&self.rows.values()?, stored, arrival) {
            findings.add(format!(
                "lead {} was altered: it is not what audit row {} tells of",
                lead_id(stored),
                stored.link.seq
            ));
        }
        self.met += 1;
        self.advance()
    }
}

/// Whether a lead is the one that came, unchanged.
fn matches_audit_row(
    row: &[ValueRef<'_>; 16],
    stored: &RawChainEntry<'_>,
    arrival: &Arrival<'_>,
) -> bool {
    as_received(row).is_ok_and(|(columns, status)| {
        Some(columns.id) == stored.link.lead_id
            && arrival.digest == Some(columns.digest())
            && arrival.status == status
    })
}

/// Verifies the audit log and every lead against it, whatever state the file is in.
///
/// # Errors
/// The file cannot be opened; damage inside it is a finding of the report.
pub fn verify_database(
    path: &Path,
    receipts: &[ChainPosition],
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyReport, StoreError> {
    verify(&open::read_only(path)?, receipts, false, progress)
}
