//! Finds the leads and refused submissions of a person or a time and erases them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::json;

use crate::domain::audit::{AuditEvent, ErasureReason, NewAuditRow};
use crate::domain::email;
use crate::domain::hash_chain::ChainPosition;
use crate::domain::person::PersonKey;
use crate::domain::refused::contacts;
use crate::domain::timestamp::Timestamp;
use crate::store::db::{open, wipe};
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::privacy::ledger::{self, ErasureLedger, Erasures};
use crate::store::privacy::refused::{self, ErasedRefused, RefusedRef};
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
    /// The canaries among these.
    CanariesBefore(Timestamp, u32),
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

/// What is stored of a person or of a time, without personal data.
#[derive(Debug, Clone, Default)]
pub struct FoundData {
    pub leads: Vec<LeadRef>,
    /// Also those that became one of the leads, and the sender's own with its `request_id`.
    pub refused: Vec<RefusedRef>,
}

impl FoundData {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leads.is_empty() && self.refused.is_empty()
    }

    /// Adds the refused submissions that belong to the leads.
    fn add_refused_of_leads(&mut self, conn: &Connection) -> Result<(), StoreError> {
        for lead in &self.leads {
            let LeadRef { audit_seq, lead_id, request_id, .. } = lead;
            for of_lead in refused::find_of_lead(conn, *audit_seq, lead_id, request_id)? {
                if !self.refused.contains(&of_lead) {
                    self.refused.push(of_lead);
                }
            }
        }
        Ok(())
    }
}

/// What an erasure has deleted.
#[derive(Debug, Clone, Default)]
pub struct ErasedData {
    pub leads: Vec<ErasedLead>,
    pub refused: Vec<ErasedRefused>,
}

/// A finished erasure.
#[derive(Debug, Clone, Serialize)]
pub struct Erasure {
    pub leads: Vec<ErasedLead>,
    pub refused: Vec<ErasedRefused>,
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
        LeadSelector::CanariesBefore(time, limit) => conn
            .prepare_cached(&sql(
                "source = 'canary' AND created_at_utc < ?2 ORDER BY created_at_utc LIMIT ?3",
            ))?
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

/// Finds leads and refused submissions that arrived after an audit row.
fn find_data(
    conn: &Connection,
    selector: &LeadSelector,
    after_seq: i64,
) -> Result<FoundData, StoreError> {
    let mut found = FoundData { leads: find(conn, selector, after_seq)?, refused: Vec::new() };
    if let LeadSelector::Person(person) = selector {
        found.refused = refused::find_person(conn, person, after_seq)?;
    }
    found.add_refused_of_leads(conn)?;
    Ok(found)
}

/// Erases what a read transaction found and is still stored, and what arrived after an audit row since, if
/// that is given. Each is recorded in the ledger first.
///
/// # Errors
/// The database's own; the ledger cannot be written.
pub fn erase_data(
    tx: &mut WriteTx<'_>,
    ledger: &mut ErasureLedger,
    found: &FoundData,
    since: Option<(&LeadSelector, i64)>,
    reason: ErasureReason,
    actor: &str,
) -> Result<ErasedData, StoreError> {
    let mut all = found.clone();
    if let Some((selector, seq)) = since {
        let new = find_data(tx.conn, selector, seq)?;
        all.leads.extend(new.leads);
        all.refused.extend(new.refused);
    }
    all.add_refused_of_leads(tx.conn)?;
    let mut made_of = Vec::new();
    for lead in &all.leads {
        // Those that are not kept any more as well: an older backup has them.
        made_of.extend(refused::ids_made_into(tx.conn, &lead.lead_id)?);
    }
    let ids = all.leads.iter().map(|lead| lead.lead_id.as_str());
    let ids = ids.chain(all.refused.iter().map(|refused| refused.refused_id.as_str()));
    let ids = ids.chain(made_of.iter().map(String::as_str));
    ledger.record(&Erasures::of_ids(ids))?;
    let leads = all.leads.iter().map(|lead| erase(tx, lead, reason, actor));
    let leads = leads.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let refused = all.refused.iter().map(|one| refused::erase(tx, one, reason, actor));
    let refused = refused.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(ErasedData { leads, refused })
}

/// Erases again what a backup has brought back: the lead or the refused submission with this id, and what
/// belongs to it. Returns how many were erased.
pub(crate) fn erase_restored(
    tx: &mut WriteTx<'_>,
    id: &str,
    actor: &str,
) -> Result<usize, StoreError> {
    let mut found = FoundData {
        leads: find(tx.conn, &LeadSelector::Lead(id.to_owned()), 0)?,
        refused: refused::find_by_id(tx.conn, id)?,
    };
    found.add_refused_of_leads(tx.conn)?;
    let (reason, mut erased) = (ErasureReason::Restored, 0);
    for lead in &found.leads {
        erased += usize::from(erase(tx, lead, reason, actor)?.is_some());
    }
    for one in &found.refused {
        erased += usize::from(refused::erase(tx, one, reason, actor)?.is_some());
    }
    Ok(erased)
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
        stored += refused::find_by_id(&conn, &id.to_string())?.len();
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
        self.each_refused(0, &mut |_, body| {
            let is_near = |other: &String| {
                email::near_key(other) == near && email::match_key(other) != wanted
            };
            found.extend(contacts::addresses(body).into_iter().filter(is_near));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Finds the leads and refused submissions of a person or a time.
    ///
    /// # Errors
    /// The database's own.
    pub fn find(&self, selector: &LeadSelector) -> Result<FoundData, StoreError> {
        find_data(self.0, selector, 0)
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
}
