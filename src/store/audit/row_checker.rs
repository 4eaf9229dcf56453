//! Walks over the audit log and checks each row, and what it says about a lead.

use rusqlite::{Connection, Row, Statement};
use serde::Deserialize;

use crate::domain::audit::AuditEvent;
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::lead::status::LeadStatus;
use crate::store::audit::findings::Findings;
use crate::store::audit::refused_checker;
use crate::store::audit::rows::{RawAuditRow, RawLead, SELECT_AUDIT_ROWS, SELECT_LEAD};
use crate::store::error::StoreError;

/// Audit rows between two calls of the progress function.
const PROGRESS_INTERVAL: u64 = 50_000;

/// The rows of the audit log, checked up to `head`.
pub(crate) struct RowChecker<'v> {
    receipts: &'v [ChainPosition],
    pub(crate) rows: u64,
    pub(crate) leads: u64,
    pub(crate) head: ChainPosition,
    pub(crate) findings: Findings,
}

impl<'v> RowChecker<'v> {
    pub(crate) fn new(receipts: &'v [ChainPosition], findings: Findings) -> Self {
        Self { receipts, rows: 0, leads: 0, head: ChainPosition::START, findings }
    }

    /// Checks every audit row and every lead.
    ///
    /// # Errors
    /// The database's own; `head` is then the last row that was read.
    pub(crate) fn verify(
        &mut self,
        conn: &Connection,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let mut lookups = Lookups::prepare(conn)?;
        let mut statement = conn.prepare(SELECT_AUDIT_ROWS)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match RawAuditRow::from_row(row) {
                Ok(raw) => {
                    self.check_link(&raw);
                    self.check_lead(&raw, &mut lookups)?;
                }
                Err(error) => self.report_wrong_type(row, &error),
            }
            self.rows += 1;
            if self.rows.is_multiple_of(PROGRESS_INTERVAL) {
                progress(self.rows);
            }
        }
        self.check_orphans(conn)?;
        self.check_statuses(conn)?;
        self.check_views(conn)?;
        refused_checker::check(conn, &mut self.findings)?;
        self.check_end(conn)
    }

    /// Checks a row's place and hash against the row before it.
    fn check_link(&mut self, row: &RawAuditRow<'_>) {
        let seq = row.entry.seq;
        let expected = self.head.seq + 1;
        if seq != expected {
            let missing = if seq == expected + 1 {
                format!("row {expected} is missing")
            } else {
                format!("rows {expected} to {} are missing", seq - 1)
            };
            self.findings.add(format!("audit {missing}"));
        }
        let hash = Sha256Hash::parse(row.hash);
        if seq == expected && hash != Some(row.entry.hash(&self.head.hash)) {
            let event = String::from_utf8_lossy(row.entry.event);
            self.findings.add(format!(
                "audit row {seq} ({event}) was altered: its hash does not follow from it and the row before"
            ));
        }
        // Continues from the stored hash, so that each further fault is found at its own row.
        self.head = ChainPosition { seq, hash: hash.unwrap_or_default() };
        for receipt in self.receipts.iter().filter(|r| r.seq == seq && r.hash != self.head.hash) {
            self.findings.add(format!("audit row {seq} does not match the receipt {receipt}"));
        }
    }

    fn report_wrong_type(&mut self, row: &Row<'_>, error: &rusqlite::Error) {
        let seq = row.get(0).unwrap_or(0);
        self.findings.add(format!("audit row {seq}: a column has the wrong type ({error})"));
        let hash = row.get::<_, String>(9).ok().and_then(Sha256Hash::parse);
        self.head = ChainPosition { seq, hash: hash.unwrap_or_default() };
    }

    /// Checks what an audit row says about a lead.
    fn check_lead(
        &mut self,
        row: &RawAuditRow<'_>,
        lookups: &mut Lookups<'_>,
    ) -> Result<(), StoreError> {
        let (seq, id) = (row.entry.seq, row.lead_id());
        match row.event() {
            Some(AuditEvent::LeadReceived | AuditEvent::LeadImported) => {
                match matches_arrival(row, &mut lookups.lead)? {
                    Some(matches) => {
                        self.leads += 1;
                        if !matches {
                            self.findings.add(format!(
                                "lead {id} was altered: it does not match audit row {seq}"
                            ));
                        }
                    }
                    None if lookups.erasure.exists([&id])? => {}
                    None => self.findings.add(format!(
                        "lead {id} (audit row {seq}) is missing, and no audit row records its erasure"
                    )),
                }
            }
            Some(AuditEvent::LeadErased) if lookups.lead_by_id.exists([&id])? => {
                self.findings.add(format!(
                    "lead {id} is stored, although audit row {seq} records its erasure"
                ));
            }
            Some(AuditEvent::LeadProcessed) if lookups.lead_without_status.exists([&id])? => {
                self.findings.add(status_differs(&id));
            }
            Some(AuditEvent::LeadViewed) => {
                if let Some(without_view) = &mut lookups.lead_without_view
                    && without_view.exists([&id])?
                {
                    self.findings.add(views_differ(&id));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reports leads whose audit row is missing or is not that of an arrival.
    fn check_orphans(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut statement = conn.prepare(
            "SELECT audit_seq, id FROM lead_inbox
             WHERE NOT EXISTS (SELECT 1 FROM audit_log WHERE seq = audit_seq
                               AND event IN ('LEAD_RECEIVED', 'LEAD_IMPORTED'))
             ORDER BY audit_seq",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (seq, id) = (row.get::<_, i64>(0)?, row.get_ref(1)?);
            let id = id.as_str().unwrap_or("(its id is not text)");
            self.findings.add(format!("lead {id}: audit row {seq} does not record its arrival"));
            self.leads += 1;
        }
        Ok(())
    }

    /// Compares `lead_status` with the last change that the log records.
    fn check_statuses(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut statement = conn.prepare(
            "SELECT l.id FROM lead_status AS s JOIN lead_inbox AS l ON l.audit_seq = s.audit_seq
             WHERE s.status IS NOT (
                 SELECT CASE WHEN json_valid(details_json) THEN details_json ->> 'to' END
                 FROM audit_log WHERE lead_id = l.id AND event = 'LEAD_PROCESSED'
                 ORDER BY seq DESC LIMIT 1
             )",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.findings.add(status_differs(&row.get::<_, String>(0)?));
        }
        Ok(())
    }

    /// Compares `lead_view` with the first and the last time that the log records.
    fn check_views(&mut self, conn: &Connection) -> Result<(), StoreError> {
        if !has_views(conn)? {
            return Ok(());
        }
        let at_end = |of: &str, order: &str| {
            format!(
                "(v.{of}_by, v.{of}_at_utc) IS NOT (
                     SELECT coalesce(actor, ''), created_at_utc FROM audit_log
                     WHERE lead_id = l.id AND event = 'LEAD_VIEWED' ORDER BY seq {order} LIMIT 1)"
            )
        };
        let mut statement = conn.prepare(&format!(
            "SELECT l.id FROM lead_view AS v JOIN lead_inbox AS l ON l.audit_seq = v.audit_seq
             WHERE {} OR {}",
            at_end("first", "ASC"),
            at_end("last", "DESC")
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.findings.add(views_differ(&row.get::<_, String>(0)?));
        }
        Ok(())
    }

    /// Compares the last row with SQLite's counter and with receipts of later rows.
    fn check_end(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let last = self.head.seq;
        let counter = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit_log'";
        let counter: i64 = conn.query_row(counter, [], |row| row.get(0))?;
        if counter != last {
            self.findings.add(format!(
                "the audit log ends at row {last}, and SQLite's own counter says {counter}: the end was cut off"
            ));
        }
        for receipt in self.receipts.iter().filter(|r| r.seq > last) {
            self.findings.add(format!(
                "the audit log ends at row {last}, before the receipt {receipt}: the end was cut off"
            ));
        }
        Ok(())
    }
}

fn status_differs(id: &str) -> String {
    format!("lead {id}: its status differs from the last change in the audit log")
}

fn views_differ(id: &str) -> String {
    format!("lead {id}: who opened it, and when, differs from the audit log")
}

/// Whether the table is there: a backup of an older version has none.
fn has_views(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn.table_exists(None, "lead_view")?)
}

/// The statements that look up what an audit row says about a lead.
struct Lookups<'c> {
    lead: Statement<'c>,
    lead_by_id: Statement<'c>,
    erasure: Statement<'c>,
    lead_without_status: Statement<'c>,
    lead_without_view: Option<Statement<'c>>,
}

impl<'c> Lookups<'c> {
    fn prepare(conn: &'c Connection) -> Result<Self, StoreError> {
        Ok(Self {
            lead: conn.prepare(SELECT_LEAD)?,
            lead_by_id: conn.prepare("SELECT 1 FROM lead_inbox WHERE id = ?1")?,
            erasure: conn
                .prepare("SELECT 1 FROM audit_log WHERE lead_id = ?1 AND event = 'LEAD_ERASED'")?,
            lead_without_status: conn.prepare(
                "SELECT 1 FROM lead_inbox AS l WHERE l.id = ?1
                 AND NOT EXISTS (SELECT 1 FROM lead_status AS s WHERE s.audit_seq = l.audit_seq)",
            )?,
            lead_without_view: match has_views(conn)? {
                true => Some(conn.prepare(
                    "SELECT 1 FROM lead_inbox AS l WHERE l.id = ?1
                     AND NOT EXISTS (SELECT 1 FROM lead_view AS v WHERE v.audit_seq = l.audit_seq)",
                )?),
                false => None,
            },
        })
    }
}

/// What an audit row records of a lead's arrival.
#[derive(Default, Deserialize)]
struct ArrivalDetails {
    lead_digest: Option<String>,
    /// Only an import records one.
    status: Option<String>,
}

/// Whether the lead of this audit row is stored as the row records it; `None` if it is not stored.
fn matches_arrival(
    row: &RawAuditRow<'_>,
    select_lead: &mut Statement<'_>,
) -> Result<Option<bool>, StoreError> {
    let mut leads = select_lead.query([row.entry.seq])?;
    let Some(lead) = leads.next()? else { return Ok(None) };
    let Ok(lead) = RawLead::from_row(lead) else { return Ok(Some(false)) };
    let details = row.entry.details_json.unwrap_or_default();
    let recorded: ArrivalDetails = serde_json::from_slice(details).unwrap_or_default();
    let digest = recorded.lead_digest.and_then(Sha256Hash::parse);
    let status = recorded.status.as_deref().unwrap_or(LeadStatus::Received.as_str());
    Ok(Some(
        Some(lead.columns.id) == row.entry.lead_id
            && digest == Some(lead.columns.digest())
            && lead.status == status.as_bytes(),
    ))
}
