//! The leads: stored once, read back, never changed.

pub mod import;
pub mod query;
pub mod stats;

use crate::store::read::ReadTx;
use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use crate::domain::filter::LeadFilter;
use crate::domain::hash_chain::{ChainPosition, LeadDigestInput, Sha256Hash};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService, NewLead};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::tx::WriteTx;

pub(crate) const COLUMNS: &str = "SELECT l.audit_seq, l.id, l.created_at_utc, l.name, l.email, l.phone, \
     l.company, l.service, l.message, l.consent, l.source, l.request_id, l.ip_hash, l.meta_json, \
     coalesce(s.status, l.status), l.salt, l.status \
     FROM lead_inbox AS l LEFT JOIN lead_status AS s ON s.audit_seq = l.audit_seq";

/// A lead that is stored: its id, when, and its place in the audit log.
#[derive(Debug, Clone)]
pub struct StoredLead {
    pub lead_id: String,
    pub created_at_utc: Timestamp,
    pub receipt: ChainPosition,
}

/// What became of a submission.
#[derive(Debug, Clone)]
pub enum SubmitOutcome {
    Created(StoredLead),
    /// The same submission again; what was answered the first time.
    Replayed(StoredLead),
    /// The same `request_id` with other content, in these fields.
    Conflict(Vec<&'static str>),
    /// The `request_id` belonged to a lead that was erased.
    Erased,
}

/// Stores a submission with its audit row, or tells what its `request_id` is already.
pub fn submit(tx: &mut WriteTx<'_>, lead: &NewLead) -> Result<SubmitOutcome, StoreError> {
    let request_id = lead.request_id().to_string();
    // Nearly every submission is new: the trigger looks whether it is, so that nobody does twice.
    let refused = match insert(tx, lead, &request_id) {
        Err(error) if error.is_refusal() => error,
        outcome => return outcome.map(SubmitOutcome::Created),
    };
    if let Some(stored) = by_request(tx.conn, &request_id)? {
        return again(tx, lead, &stored);
    }
    if was_erased(tx.conn, &request_id)? {
        return Ok(SubmitOutcome::Erased);
    }
    Err(refused)
}

fn insert(
    tx: &mut WriteTx<'_>,
    lead: &NewLead,
    request_id: &str,
) -> Result<StoredLead, StoreError> {
    let mut id = Uuid::encode_buffer();
    let id: &str = tx.new_id().hyphenated().encode_lower(&mut id);
    let salt: [u8; 16] = rand::random();
    let now = tx.now();
    let created_at_utc = now.to_string();
    let columns = LeadDigestInput {
        salt: &salt,
        id,
        created_at_utc: &created_at_utc,
        name: lead.name(),
        email: lead.email().as_str(),
        phone: lead.phone(),
        company: lead.company(),
        service: lead.service().map(LeadService::as_str),
        message: lead.message(),
        consent: lead.consent(),
        source: lead.source(),
        request_id,
        ip_hash: lead.ip_hash(),
        meta_json: Some(lead.meta_json()),
    };
    let details = serde_json::to_string(&Received {
        email: lead.email().masked(),
        service: columns.service,
        ip_hash: lead.ip_hash(),
        lead_digest: columns.digest().to_string(),
    })
    .map_err(|e| StoreError::Sqlite(e.to_string()))?;
    insert_row(tx.conn, tx.head().seq + 1, &columns, LeadStatus::Received)?;
    let receipt = tx.append(&NewAuditRow {
        event: AuditEvent::LeadReceived,
        actor: ACTOR_SITE,
        lead_id: Some(id),
        request_id: Some(request_id),
        status_code: Some(201),
        details_json: Some(&details),
    })?;
    Ok(StoredLead { lead_id: id.to_owned(), created_at_utc: now, receipt })
}

/// `details_json` of `LEAD_RECEIVED`.
#[derive(serde::Serialize)]
struct Received<'a> {
    email: String,
    service: Option<&'a str>,
    ip_hash: &'a str,
    lead_digest: String,
}

pub(crate) fn insert_row(
    conn: &Connection,
    audit_seq: i64,
    c: &LeadDigestInput<'_>,
    status: LeadStatus,
) -> Result<(), StoreError> {
    conn.prepare_cached(include_str!("insert.sql"))?.execute(params![
        audit_seq,
        c.id,
        c.created_at_utc,
        c.name,
        c.email,
        c.phone,
        c.company,
        c.service,
        c.message,
        c.consent,
        c.source,
        c.request_id,
        c.ip_hash,
        c.meta_json,
        c.salt,
        status,
    ])?;
    Ok(())
}

/// The same `request_id` again: the first answer where the content is the same, else a conflict.
fn again(tx: &mut WriteTx<'_>, new: &NewLead, stored: &Lead) -> Result<SubmitOutcome, StoreError> {
    let differences = stored.differences(new);
    let (event, status_code, details) = if differences.is_empty() {
        (AuditEvent::LeadDuplicate, 200, None)
    } else {
        let details = serde_json::json!({ "fields": differences }).to_string();
        (AuditEvent::LeadConflict, 409, Some(details))
    };
    let receipt = receipt_of(tx.conn, stored)?;
    tx.append(&NewAuditRow {
        event,
        actor: ACTOR_SITE,
        lead_id: Some(&stored.id),
        request_id: Some(&stored.request_id),
        status_code: Some(status_code),
        details_json: details.as_deref(),
    })?;
    if !differences.is_empty() {
        return Ok(SubmitOutcome::Conflict(differences));
    }
    Ok(SubmitOutcome::Replayed(StoredLead {
        lead_id: stored.id.clone(),
        created_at_utc: stored.created_at_utc,
        receipt,
    }))
}

/// The place and hash of the audit row that tells of the lead's arrival.
pub(crate) fn receipt_of(conn: &Connection, lead: &Lead) -> Result<ChainPosition, StoreError> {
    let sql = "SELECT hash FROM audit_log WHERE seq = ?1";
    let hash: Option<String> =
        conn.prepare_cached(sql)?.query_row([lead.audit_seq], |row| row.get(0)).optional()?;
    let hash = hash.as_deref().and_then(Sha256Hash::parse).ok_or_else(|| {
        StoreError::Corrupt(format!("the audit row {} of a lead is missing", lead.audit_seq))
    })?;
    Ok(ChainPosition { seq: lead.audit_seq, hash })
}

/// What is known of a `request_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestIdState {
    Stored,
    Erased,
    Unknown,
}

pub(crate) fn known(conn: &Connection, request_id: &str) -> Result<RequestIdState, StoreError> {
    let sql = "SELECT 1 FROM lead_inbox WHERE request_id = ?1";
    Ok(if conn.prepare_cached(sql)?.exists([request_id])? {
        RequestIdState::Stored
    } else if was_erased(conn, request_id)? {
        RequestIdState::Erased
    } else {
        RequestIdState::Unknown
    })
}

fn was_erased(conn: &Connection, request_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM audit_log WHERE event = 'LEAD_ERASED' AND request_id = ?1";
    Ok(conn.prepare_cached(sql)?.exists([request_id])?)
}

fn by_request(conn: &Connection, request_id: &str) -> Result<Option<Lead>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE l.request_id = ?1"))?;
    Ok(statement.query_row([request_id], row_to_lead).optional()?)
}

/// A lead by its id or, where no lead has that id, its `request_id`.
pub(crate) fn find(conn: &Connection, id: &str) -> Result<Option<Lead>, StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "{COLUMNS} WHERE l.id = ?1 OR l.request_id = ?1 ORDER BY l.id = ?1 DESC LIMIT 1"
    ))?;
    Ok(statement.query_row([id], row_to_lead).optional()?)
}

/// Writes the change of a lead's status and the projection that filters read.
/// Returns the status before; the same status again writes nothing.
pub fn set_status(
    tx: &mut WriteTx<'_>,
    id: &str,
    to: LeadStatus,
    actor: &str,
) -> Result<Option<LeadStatus>, StoreError> {
    let Some(lead) = find(tx.conn, id)? else {
        return Ok(None);
    };
    if lead.status == to {
        return Ok(Some(lead.status));
    }
    let details = serde_json::json!({ "from": lead.status, "to": to }).to_string();
    tx.append(&NewAuditRow {
        event: AuditEvent::LeadProcessed,
        actor,
        lead_id: Some(&lead.id),
        request_id: Some(&lead.request_id),
        status_code: None,
        details_json: Some(&details),
    })?;
    tx.conn
        .prepare_cached(
            "INSERT INTO lead_status (audit_seq, status) VALUES (?1, ?2)
             ON CONFLICT (audit_seq) DO UPDATE SET status = excluded.status",
        )?
        .execute(params![lead.audit_seq, to])?;
    Ok(Some(lead.status))
}

/// Makes `lead_status` anew: the last change of each lead that the log tells of.
pub fn rebuild_status(tx: &mut WriteTx<'_>) -> Result<usize, StoreError> {
    tx.conn.execute("DELETE FROM lead_status", [])?;
    Ok(tx.conn.execute(include_str!("status_rebuild.sql"), [])?)
}

/// Writes that somebody has opened a lead. Says whether it is there.
pub fn note_viewed(tx: &mut WriteTx<'_>, id: &str, actor: &str) -> Result<bool, StoreError> {
    let sql = "SELECT id, request_id FROM lead_inbox WHERE id = ?1 OR request_id = ?1";
    let lead = tx.conn.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((id, request_id)): Option<(String, String)> = lead.optional()? else {
        return Ok(false);
    };
    tx.append(&NewAuditRow {
        event: AuditEvent::LeadViewed,
        actor,
        lead_id: Some(&id),
        request_id: Some(&request_id),
        status_code: None,
        details_json: None,
    })?;
    Ok(true)
}

/// Gives every lead that the filter finds, in the order of their arrival, until `take` breaks off.
pub(crate) fn for_each(
    conn: &Connection,
    filter: &LeadFilter,
    take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let (conditions, values) = conditions(filter);
    let sql = format!("{COLUMNS} WHERE 1{conditions} ORDER BY l.audit_seq");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let lead = row_to_lead(row)?;
        if has_words(&lead, filter) && take(lead).is_break() {
            break;
        }
    }
    Ok(())
}

/// Whether a lead has the words that a filter asks for.
pub(crate) fn has_words(lead: &Lead, filter: &LeadFilter) -> bool {
    filter.words.as_ref().is_none_or(|words| words.match_all(searched(lead)))
}

/// The lead whose arrival an audit row tells of, unless it was erased since; beside it the status
/// that it came with.
pub(crate) fn arrived(
    conn: &Connection,
    audit_seq: i64,
) -> Result<Option<(Lead, LeadStatus)>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE l.audit_seq = ?1"))?;
    let lead = statement.query_row([audit_seq], |row| Ok((row_to_lead(row)?, row.get(16)?)));
    Ok(lead.optional()?)
}

/// The texts of a lead that a search looks into.
pub(crate) fn searched(lead: &Lead) -> impl Iterator<Item = &str> {
    let optional = [&lead.phone, &lead.company].into_iter().flatten();
    [&lead.name, &lead.email, &lead.message].into_iter().chain(optional).map(Personal::as_str)
}

/// The filter's conditions on the columns of [`COLUMNS`], each with `AND` before it, and their values.
pub(crate) fn conditions(filter: &LeadFilter) -> (String, Vec<String>) {
    let conditions = [
        ("l.created_at_utc >= ?", filter.period.since.map(|t| t.to_string())),
        ("l.created_at_utc < ?", filter.period.until.map(|t| t.to_string())),
        ("l.service = ?", filter.service.map(|s| s.to_string())),
        ("coalesce(s.status, l.status) = ?", filter.status.map(|s| s.to_string())),
    ];
    let mut sql = String::new();
    let mut values = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    (sql, values)
}

pub(crate) fn row_to_lead(row: &Row<'_>) -> rusqlite::Result<Lead> {
    let personal = |i: usize| row.get::<_, String>(i).map(Personal::new);
    let maybe =
        |i: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(i)?.map(Personal::new));
    Ok(Lead {
        audit_seq: row.get(0)?,
        id: row.get(1)?,
        created_at_utc: row.get(2)?,
        name: personal(3)?,
        email: personal(4)?,
        phone: maybe(5)?,
        company: maybe(6)?,
        service: row.get(7)?,
        message: personal(8)?,
        consent: row.get(9)?,
        source: row.get(10)?,
        request_id: row.get(11)?,
        ip_hash: row.get(12)?,
        meta_json: row.get(13)?,
        status: row.get(14)?,
        salt: row.get(15)?,
    })
}

impl ReadTx<'_> {
    /// A lead by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn lead(&self, id: &str) -> Result<Option<Lead>, StoreError> {
        find(self.0, id)
    }

    /// Whether a `request_id` is stored, or was.
    ///
    /// # Errors
    /// The database's own.
    pub fn known(&self, request_id: &str) -> Result<RequestIdState, StoreError> {
        known(self.0, request_id)
    }

    /// Calls `take` with every lead that matches the filter, in the order of arrival, until it breaks.
    ///
    /// # Errors
    /// The database's own.
    pub fn leads(
        &self,
        filter: &LeadFilter,
        take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for_each(self.0, filter, take)
    }
}
