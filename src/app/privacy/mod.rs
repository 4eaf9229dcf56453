//! What is held on a person: handed out, erased, and erased when its time has come.

pub mod certificate;

use std::io::{self, Write};
use std::path::Path;

use chrono::TimeDelta;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::atomic_file::AtomicFile;
use crate::app::audit::append_audit;
use crate::app::db::write_once;
use crate::app::export::ExportError;
use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, AuditRow, ErasureReason};
use crate::domain::email;
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::lead::Lead;
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::privacy::erase::{ErasedLead, LeadRef, LeadSelector};
use crate::store::privacy::ledger::ErasureLedger;
use crate::store::read::ReadPool;

/// Leads that are purged in one transaction.
const BATCH: u32 = 200;

/// An erasure that was done.
#[derive(Debug, Clone, Serialize)]
pub struct Erasure {
    pub leads: Vec<ErasedLead>,
    pub reason: ErasureReason,
    pub erased_at: Timestamp,
    /// The end of the audit log behind it, as `SEQ:HASH`.
    pub head: String,
}

/// The leads of a person or a time, by what may be told of them.
///
/// # Errors
/// The database cannot be read.
pub fn find(database: &Path, whose: &LeadSelector) -> Result<Vec<LeadRef>, StoreError> {
    ReadPool::open(database)?.read(|snapshot| snapshot.find(whose))
}

/// Whether a lead was erased before, by its id or `request_id`.
///
/// # Errors
/// The database cannot be read.
pub fn was_erased(database: &Path, id: &str) -> Result<bool, StoreError> {
    ReadPool::open(database)?.read(|snapshot| snapshot.was_erased(id))
}

/// Erases all leads of a person in one transaction, also those that come while it is under way.
/// Their content is then still in the file's unused parts, until [`remove_traces`].
///
/// # Errors
/// The database or the ledger cannot be written; nothing is erased then.
pub fn erase(
    database: &Path,
    clock: &Clock,
    whose: &LeadSelector,
    reason: ErasureReason,
    actor: &str,
) -> Result<Erasure, StoreError> {
    let mut ledger = complete_ledger(database)?;
    let (found, seen) = ReadPool::open(database)?.read(|snapshot| {
        let head = snapshot.head()?.unwrap_or(ChainPosition::START);
        Ok((snapshot.find(whose)?, head.seq))
    })?;
    let (whose, actor) = (whose.clone(), actor.to_owned());
    write_once(database, clock, move |tx| {
        let since = Some((&whose, seen));
        let leads =
            store::privacy::erase::erase_leads(tx, &mut ledger, &found, since, reason, &actor)?;
        Ok(Erasure { leads, reason, erased_at: tx.now(), head: tx.head().to_string() })
    })
}

/// How many leads are older than their time, and when the oldest came.
///
/// # Errors
/// The database cannot be read.
pub fn count_older(
    database: &Path,
    clock: &Clock,
    age: TimeDelta,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let time = before(clock, age);
    ReadPool::open(database)?.read(|snapshot| snapshot.count_before(time))
}

/// Erases the leads that are older than their time, the oldest first, some at a time, so that
/// other work gets in between. Calls `progress` with how many are gone.
///
/// # Errors
/// As [`erase`]; what was told by `progress` is erased then.
pub fn purge(
    database: &Path,
    clock: &Clock,
    age: TimeDelta,
    actor: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, StoreError> {
    let time = before(clock, age);
    drop(complete_ledger(database)?);
    let mut gone = 0;
    loop {
        let whose = LeadSelector::Before(time, BATCH);
        let found = find(database, &whose)?;
        if found.is_empty() {
            return Ok(gone);
        }
        let (mut ledger, actor) = (complete_ledger(database)?, actor.to_owned());
        let reason = ErasureReason::Retention;
        let erased = write_once(database, clock, move |tx| {
            store::privacy::erase::erase_leads(tx, &mut ledger, &found, None, reason, &actor)
        })?;
        gone += erased.len() as u64;
        progress(gone);
    }
}

fn before(clock: &Clock, age: TimeDelta) -> Timestamp {
    Timestamp::from(clock.now()).saturating_sub(age)
}

/// Takes what is left of erased leads out of the unused parts of the file and the write-ahead log.
///
/// # Errors
/// Another process keeps reading the database as it was before.
pub fn remove_traces(database: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    let pages = store::db::wipe::wipe_deleted(database, progress)?;
    tracing::debug!(pages, "the unused parts of pages were overwritten");
    Ok(())
}

/// The ledger, with every erasure that the audit log tells of.
fn complete_ledger(database: &Path) -> Result<ErasureLedger, StoreError> {
    let erased = ReadPool::open(database)?.read(|snapshot| snapshot.erased_ids())?;
    let mut ledger = ErasureLedger::open(database)?;
    ledger.record(erased.iter().map(String::as_str))?;
    Ok(ledger)
}

/// Writes all that is held on a person as JSON, then the audit row that tells of it. Returns how
/// many leads that were.
///
/// # Errors
/// The database cannot be read or written, or `out` not be written.
pub fn export(
    database: &Path,
    clock: &Clock,
    address: &str,
    actor: &str,
    out: Option<&Path>,
) -> Result<usize, ExportError> {
    let mut draft = out.map(|path| AtomicFile::create(path, database)).transpose()?;
    let (leads, text) = held(database, clock, address)?;
    let details = json!({
        "what": "person",
        "format": "json",
        "filter": { "email": email::mask(address) },
        "rows": leads,
        "sha256": Sha256Hash::finish(Sha256::new_with_prefix(&text)).to_string(),
    });
    match &mut draft {
        Some(draft) => {
            draft.file().write_all(text.as_bytes())?;
            draft.file().sync_all()?;
        }
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    write_once(database, clock, append_audit(AuditEvent::LeadsExported, actor, &details))?;
    draft.map_or(Ok(()), AtomicFile::commit)?;
    Ok(leads)
}

/// The person's leads, each with all that the audit log says about it.
fn held(database: &Path, clock: &Clock, address: &str) -> Result<(usize, String), ExportError> {
    let leads = ReadPool::open(database)?.read(|snapshot| {
        let found = snapshot.find(&LeadSelector::Address(address.to_owned()))?;
        let mut leads = Vec::with_capacity(found.len());
        for lead in found {
            let timeline = snapshot.timeline(&lead.lead_id, usize::MAX)?;
            leads.extend(snapshot.lead(&lead.lead_id)?.map(|lead| as_json(&lead, &timeline)));
        }
        Ok(leads)
    })?;
    let held =
        json!({ "email": address, "made_at_utc": Timestamp::from(clock.now()), "leads": leads });
    let text = serde_json::to_string_pretty(&held).map_err(io::Error::from)?;
    Ok((leads.len(), text + "\n"))
}

fn as_json(lead: &Lead, timeline: &[AuditRow]) -> Value {
    let maybe = |text: &Option<Personal>| text.as_ref().map(|t| t.as_str().to_owned());
    json!({
        "id": lead.id,
        "created_at_utc": lead.created_at_utc,
        "name": lead.name.as_str(),
        "email": lead.email.as_str(),
        "phone": maybe(&lead.phone),
        "company": maybe(&lead.company),
        "service": lead.service,
        "message": lead.message.as_str(),
        "consent": lead.consent,
        "source": lead.source,
        "request_id": lead.request_id,
        "ip_hash": lead.ip_hash,
        "meta_json": lead.meta_json,
        "status": lead.status,
        "audit_log": timeline,
    })
}
