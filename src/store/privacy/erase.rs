//! Finds the leads of a person or a time and erases them.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::json;

use crate::domain::audit::{AuditEvent, ErasureReason, NewAuditRow};
use crate::domain::email;
use crate::domain::hash_chain::ChainPosition;
use crate::domain::person::PersonKey;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::db::{open, wipe};
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::privacy::ledger::{self, ErasureLedger, Erasures};
use crate::store::read::ReadTx;
use crate::store::search::index;
use crate::store::tx::WriteTx;

/// Selects leads.
#[derive(Debug, Clone)]
pub enum LeadSelector {
    /// All of a person.
    Person(PersonKey),
    /// The lead with this id or `request_id`.
    Lead(String),
    /// All that arrived before this time, the oldest first, up to a number.
    Before(Timestamp, u32),
}

/// A lead without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeadRef {
    pub lead_id: String,
    pub created_at_utc: Timestamp,
    #[serde(skip)]
    audit_seq: i64,
    #[serde(skip)]
    request_id: String,
}

/// A lead that was erased.
#[derive(Debug, Clone, Serialize)]
pub struct ErasedLead {
    pub lead_id: String,
    pub created_at_utc: Timestamp,
    /// The `seq` of the audit row that records the erasure.
    pub audit_seq: i64,
}

/// A finished erasure.
#[derive(Debug, Clone, Serialize)]
pub struct Erasure {
    pub leads: Vec<ErasedLead>,
    pub reason: ErasureReason,
    pub erased_at: Timestamp,
    /// The head of the audit log after it, as `SEQ:HASH`.
    pub head: String,
    /// The beginning of the address, if it is the same for all leads.
    #[serde(skip)]
    pub masked_address: Option<String>,
    /// Whether nothing of the leads is left in unused parts of the file or in the WAL.
    #[serde(rename = "wiped")]
    pub is_wiped: bool,
}

/// Finds leads that arrived after an audit row.
pub(crate) fn find(
    conn: &Connection,
    selector: &LeadSelector,
    after_seq: i64,
) -> Result<Vec<LeadRef>, StoreError> {
    let sql = |condition: &str| {
        format!(
            "SELECT audit_seq, id, request_id, created_at_utc FROM lead_inbox
             WHERE audit_seq > ?1 AND {condition}"
        )
    };
    let found = match selector {
        LeadSelector::Person(person) => return find_person(conn, person, after_seq),
        LeadSelector::Lead(id) => conn
            .prepare_cached(&sql("(id = ?2 OR request_id = ?2) ORDER BY id = ?2 DESC LIMIT 1"))?
            .query_map(params![after_seq, id], row_to_ref)?
            .collect::<Result<_, _>>(),
        LeadSelector::Before(time, limit) => conn
            .prepare_cached(&sql("created_at_utc < ?2 ORDER BY created_at_utc LIMIT ?3"))?
            .query_map(params![after_seq, time, limit], row_to_ref)?
            .collect::<Result<_, _>>(),
    };
    Ok(found?)
}

/// Reads every lead: a spelling cannot be looked up.
fn find_person(
    conn: &Connection,
    person: &PersonKey,
    after_seq: i64,
) -> Result<Vec<LeadRef>, StoreError> {
    let (column, is_wanted) = (person.field(), person.matcher());
    let mut statement = conn.prepare_cached(&format!(
        "SELECT audit_seq, id, request_id, created_at_utc, {column} FROM lead_inbox
         WHERE audit_seq > ?1 AND {column} IS NOT NULL ORDER BY audit_seq"
    ))?;
    let mut rows = statement.query([after_seq])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if is_wanted(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?) {
            found.push(row_to_ref(row)?);
        }
    }
    Ok(found)
}

/// Deletes a lead, if it is stored, and everything that was derived from it. The audit row that records
/// the erasure is appended before.
pub(crate) fn erase(
    tx: &mut WriteTx<'_>,
    lead: &LeadRef,
    reason: ErasureReason,
    actor: &str,
) -> Result<Option<ErasedLead>, StoreError> {
    let Some((content, _)) = rows::find_by_audit_seq(tx.conn, lead.audit_seq)? else {
        return Ok(None);
    };
    let details = json!({ "reason": reason }).to_string();
    let ChainPosition { seq, .. } = tx.append(&NewAuditRow {
        event: AuditEvent::LeadErased,
        actor,
        lead_id: Some(&lead.lead_id),
        request_id: Some(&lead.request_id),
        status_code: None,
        details_json: Some(&details),
    })?;
    // The rows of `lead_status` and `lead_view` are deleted by their foreign keys. Whatever else is derived from
    // a lead and is not must be deleted here.
    index::remove(tx.conn, &content)?;
    let sql = "DELETE FROM lead_inbox WHERE audit_seq = ?1";
    tx.conn.prepare_cached(sql)?.execute([lead.audit_seq])?;
    Ok(Some(ErasedLead {
        lead_id: lead.lead_id.clone(),
        created_at_utc: lead.created_at_utc,
        audit_seq: seq,
    }))
}

fn row_to_ref(row: &Row<'_>) -> rusqlite::Result<LeadRef> {
    Ok(LeadRef {
        audit_seq: row.get(0)?,
        lead_id: row.get(1)?,
        request_id: row.get(2)?,
        created_at_utc: row.get(3)?,
    })
}

/// Erases the leads that a read transaction found and that are still stored, and those that arrived
/// after an audit row since, if any. Each is recorded in the ledger first.
///
/// # Errors
/// The database's own; the ledger cannot be written.
pub fn erase_leads(
    tx: &mut WriteTx<'_>,
    ledger: &mut ErasureLedger,
    found: &[LeadRef],
    since: Option<(&LeadSelector, i64)>,
    reason: ErasureReason,
    actor: &str,
) -> Result<Vec<ErasedLead>, StoreError> {
    let new = since.map_or(Ok(Vec::new()), |(selector, seq)| find(tx.conn, selector, seq))?;
    let ids = found.iter().chain(&new).map(|lead| lead.lead_id.as_str());
    ledger.record(&Erasures::of_leads(ids))?;
    let erased = found.iter().chain(&new).map(|lead| erase(tx, lead, reason, actor));
    erased.filter_map(Result::transpose).collect()
}

/// Compares the ledger with the audit log: how many leads are in the ledger and still stored, and how
/// many erased leads are missing from it.
///
/// # Errors
/// The database or the ledger cannot be read.
pub fn check_ledger(path: &Path) -> Result<(usize, usize), StoreError> {
    let conn = open::read_only(path)?;
    // The ledger is read second: an erasure in progress records its leads there first.
    let erased = Erasures::in_log(&conn)?.leads;
    let recorded = ledger::read(&ledger::path(path))?.unwrap_or_default().leads;
    let mut stored = 0;
    for id in &recorded {
        stored += find(&conn, &LeadSelector::Lead(id.to_string()), 0)?.len();
    }
    Ok((stored, erased.difference(&recorded).count()))
}

impl ReadTx<'_> {
    /// The addresses that resemble this one and are not equal to it, each once.
    ///
    /// # Errors
    /// The database's own.
    pub fn near_addresses(&self, address: &str) -> Result<BTreeSet<String>, StoreError> {
        let (wanted, near) = (email::match_key(address), email::near_key(address));
        let mut statement = self.0.prepare("SELECT email FROM lead_inbox")?;
        let mut rows = statement.query([])?;
        let mut found = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let stored = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if email::near_key(stored) == near && email::match_key(stored) != wanted {
                found.insert(stored.to_owned());
            }
        }
        Ok(found)
    }

    /// Finds the leads of a person or a time.
    ///
    /// # Errors
    /// The database's own.
    pub fn find(&self, selector: &LeadSelector) -> Result<Vec<LeadRef>, StoreError> {
        find(self.0, selector, 0)
    }

    /// How many leads arrived before a time, and when the oldest did.
    ///
    /// # Errors
    /// The database's own.
    pub fn count_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), StoreError> {
        let sql = "SELECT count(*), min(created_at_utc) FROM lead_inbox WHERE created_at_utc < ?1";
        Ok(self.0.query_row(sql, [time], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
        })?)
    }

    /// Whether what is left of erased leads is still to be overwritten.
    ///
    /// # Errors
    /// The database's own.
    pub fn is_wipe_pending(&self) -> Result<bool, StoreError> {
        wipe::is_pending(self.0)
    }

    /// The erasure of a lead, by its id or `request_id`; with the other leads of the same transaction where
    /// they were selected as one person's, and not by their age or for a restore.
    ///
    /// # Errors
    /// The database's own.
    pub fn erasure(&self, id: &str) -> Result<Option<Erasure>, StoreError> {
        let sql = "SELECT seq, created_at_utc, details_json ->> 'reason' FROM audit_log
                   WHERE event = 'LEAD_ERASED' AND (lead_id = ?1 OR request_id = ?1)";
        let found = self.0.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let found: Option<(i64, Timestamp, String)> = found.optional()?;
        let Some((seq, erased_at, reason)) = found else { return Ok(None) };
        let reason = ErasureReason::parse(&reason).unwrap_or(ErasureReason::Restored);
        let is_of_one_person =
            !matches!(reason, ErasureReason::Retention | ErasureReason::Restored);
        let sql = "SELECT e.lead_id, a.created_at_utc, e.seq, a.details_json ->> 'email'
                   FROM audit_log AS e LEFT JOIN audit_log AS a
                     ON a.lead_id = e.lead_id AND a.event IN ('LEAD_RECEIVED', 'LEAD_IMPORTED')
                   WHERE e.event = 'LEAD_ERASED' AND e.created_at_utc = ?1 AND (?2 OR e.seq = ?3)
                   ORDER BY e.seq";
        let mut leads = Vec::new();
        let mut addresses = BTreeSet::new();
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query(params![erased_at, is_of_one_person, seq])?;
        while let Some(row) = rows.next()? {
            leads.push(ErasedLead {
                lead_id: row.get(0)?,
                created_at_utc: row.get(1)?,
                audit_seq: row.get(2)?,
            });
            addresses.insert(row.get::<_, Option<String>>(3)?);
        }
        let masked_address = addresses.pop_first().flatten().filter(|_| addresses.is_empty());
        let last_seq = leads.last().map_or(0, |lead| lead.audit_seq);
        let is_wiped = last_seq <= wipe::wiped_through(self.0)?;
        let head = query::head(self.0)?.to_string();
        Ok(Some(Erasure { leads, reason, erased_at, head, masked_address, is_wiped }))
    }

    /// Whether the audit log records the erasure of a lead, by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own.
    pub fn was_erased(&self, id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM audit_log
                   WHERE event = 'LEAD_ERASED' AND (lead_id = ?1 OR request_id = ?1)";
        Ok(self.0.query_row(sql, [id], |_| Ok(())).optional()?.is_some())
    }
}
