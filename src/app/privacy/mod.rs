//! Personal data of one person (GDPR): exported, erased, and erased after the retention period.

pub mod certificate;
pub mod remains;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::atomic_file::AtomicFile;
use crate::app::audit::append_audit;
use crate::app::db::{Db, write_once};
use crate::app::export::error::ExportError;
use crate::app::refused::record;
use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, AuditRow, ErasureReason};
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::lead::Lead;
use crate::domain::person::PersonKey;
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::privacy::erase::{ErasedData, Erasure, FoundData, LeadRef, LeadSelector};
use crate::store::privacy::ledger::ErasureLedger;
use crate::store::read::ReadPool;
use crate::store::tx::WriteTx;

/// Leads that are purged at once, by a command in one transaction …
const PURGE_BATCH: u32 = 200;
/// … and by a server, while leads may wait, so many in each.
const SERVER_PURGE_STEP: usize = 4;

/// References to the selected leads and refused submissions, without personal data.
///
/// # Errors
/// The database cannot be read.
pub fn find(database: &Path, selector: &LeadSelector) -> Result<FoundData, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.find(selector))
}

/// The stored addresses that resemble this one and are not equal to it.
///
/// # Errors
/// The database cannot be read.
pub fn near_addresses(database: &Path, address: &str) -> Result<BTreeSet<String>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.near_addresses(address))
}

/// Erases the selected leads in one transaction, also those that arrive meanwhile. Their content
/// remains in unused parts of the file until [`store::db::wipe::wipe_deleted`].
///
/// # Errors
/// The database or the ledger cannot be written; nothing is erased then.
pub fn erase(
    database: &Path,
    clock: &Clock,
    selector: &LeadSelector,
    reason: ErasureReason,
    actor: &str,
) -> Result<Erasure, StoreError> {
    let mut ledger = ErasureLedger::open_complete(database)?;
    let (found, seen) = ReadPool::open(database)?.read(|tx| {
        let head = tx.head()?.unwrap_or(ChainPosition::START);
        Ok((tx.find(selector)?, head.seq))
    })?;
    let (selector, actor) = (selector.clone(), actor.to_owned());
    write_once(database, clock, move |tx| {
        let since = Some((&selector, seen));
        let ErasedData { leads, refused } =
            store::privacy::erase::erase_data(tx, &mut ledger, &found, since, reason, &actor)?;
        let (erased_at, head) = (tx.now(), tx.head().to_string());
        let masked_address = match &selector {
            LeadSelector::Person(person @ PersonKey::Email(_)) => Some(person.masked()),
            _ => None,
        };
        Ok(Erasure { leads, refused, reason, erased_at, head, masked_address, is_wiped: false })
    })
}

/// The erasure of a lead, by its id or `request_id`, as the audit log records it.
///
/// # Errors
/// The database cannot be read.
pub fn recorded_erasure(database: &Path, id: &str) -> Result<Option<Erasure>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.erasure(id))
}

/// How many leads are older than `age`, and when the oldest arrived.
///
/// # Errors
/// The database cannot be read.
pub fn count_older(
    database: &Path,
    clock: &Clock,
    age: TimeDelta,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let time = before(clock, age);
    ReadPool::open(database)?.read(|tx| tx.count_before(time))
}

/// Erases the leads that are older than `age`, the oldest first, in batches, so that other writes
/// get their turn. Calls `progress` with the number of erased leads.
///
/// # Errors
/// As [`erase`]; the leads that `progress` has counted are erased.
pub fn purge(
    database: &Path,
    clock: &Clock,
    age: TimeDelta,
    actor: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, StoreError> {
    let mut count = 0;
    let of_age = retention(before(clock, age));
    purge_in_steps(database, &of_age, actor, usize::MAX, &mut |job| {
        count += write_once(database, clock, job)?.leads.len() as u64;
        progress(count);
        Ok(())
    })?;
    Ok(count)
}

/// [`purge`] in a running server, in small steps with pauses: leads are more important.
///
/// # Errors
/// As [`purge`].
pub(crate) fn purge_by_server(db: &Db, age: TimeDelta, actor: &str) -> Result<u64, StoreError> {
    purge_between_leads(db, &retention(before(db.clock(), age)), actor)
}

/// [`purge_by_server`] of canaries.
///
/// # Errors
/// As [`purge`].
pub(crate) fn purge_canaries(db: &Db, age: TimeDelta, actor: &str) -> Result<u64, StoreError> {
    let selector = LeadSelector::CanariesBefore(before(db.clock(), age), PURGE_BATCH);
    purge_between_leads(db, &(selector, ErasureReason::Canary), actor)
}

fn purge_between_leads(
    db: &Db,
    of_age: &(LeadSelector, ErasureReason),
    actor: &str,
) -> Result<u64, StoreError> {
    let mut count = 0;
    purge_in_steps(db.path(), of_age, actor, SERVER_PURGE_STEP, &mut |job| {
        let began = Instant::now();
        count += db.write_blocking(job)?.leads.len() as u64;
        std::thread::sleep(began.elapsed());
        Ok(())
    })?;
    Ok(count)
}

/// A job that erases some leads.
type PurgeJob = Box<dyn FnMut(&mut WriteTx<'_>) -> Result<ErasedData, StoreError> + Send>;

/// Gives `write` one job after the other, each for at most `step` leads. Finds leads and completes the
/// ledger once for each batch, not for each step.
fn purge_in_steps(
    database: &Path,
    (selector, reason): &(LeadSelector, ErasureReason),
    actor: &str,
    step: usize,
    write: &mut dyn FnMut(PurgeJob) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    loop {
        let found: Vec<LeadRef> = find(database, selector)?.leads;
        let ledger = Arc::new(Mutex::new(ErasureLedger::open_complete(database)?));
        if found.is_empty() {
            return Ok(());
        }
        for leads in found.chunks(step) {
            let found = FoundData { leads: leads.to_vec(), refused: Vec::new() };
            let (ledger, actor, reason) = (Arc::clone(&ledger), actor.to_owned(), *reason);
            write(Box::new(move |tx| {
                let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                store::privacy::erase::erase_data(tx, &mut ledger, &found, None, reason, &actor)
            }))?;
        }
    }
}

/// The leads that arrived before a time, with the reason for which they are erased.
fn retention(time: Timestamp) -> (LeadSelector, ErasureReason) {
    (LeadSelector::Before(time, PURGE_BATCH), ErasureReason::Retention)
}

fn before(clock: &Clock, age: TimeDelta) -> Timestamp {
    Timestamp::from(clock.now()).saturating_sub(age)
}

/// What an export of a person's data contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectCounts {
    pub leads: usize,
    pub refused: usize,
}

/// Writes all data of a person as JSON, then records the export in the audit log. Returns how many leads and
/// refused submissions it has; where there is none, nothing is written or recorded.
///
/// # Errors
/// The database cannot be read or written, or `out` cannot be written.
pub fn export(
    database: &Path,
    clock: &Clock,
    person: &PersonKey,
    actor: &str,
    out: Option<&Path>,
) -> Result<SubjectCounts, ExportError> {
    let mut file = out.map(|path| AtomicFile::create(path, database)).transpose()?;
    let (counts, text) = subject_data(database, clock, person)?;
    if counts.leads + counts.refused == 0 {
        return Ok(counts);
    }
    let details = json!({
        "what": "person",
        "format": "json",
        "filter": { person.field(): person.masked() },
        "rows": counts.leads,
        "refused": counts.refused,
        "sha256": Sha256Hash::finish(Sha256::new_with_prefix(&text)).to_string(),
    });
    match &mut file {
        Some(file) => {
            file.file().write_all(text.as_bytes())?;
            file.file().sync_all()?;
        }
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    write_once(database, clock, append_audit(AuditEvent::LeadsExported, actor, &details))?;
    file.map_or(Ok(()), AtomicFile::commit)?;
    Ok(counts)
}

/// The person's leads, each with its audit rows, and what was refused of theirs.
fn subject_data(
    database: &Path,
    clock: &Clock,
    person: &PersonKey,
) -> Result<(SubjectCounts, String), ExportError> {
    let (leads, refused) = ReadPool::open(database)?.read(|tx| {
        let found = tx.find(&LeadSelector::Person(person.clone()))?;
        let mut leads = Vec::with_capacity(found.leads.len());
        for lead in found.leads {
            let timeline = tx.timeline(&lead.lead_id, usize::MAX)?;
            leads.extend(tx.lead(&lead.lead_id)?.map(|lead| as_json(&lead, &timeline)));
        }
        let mut refused = Vec::with_capacity(found.refused.len());
        for one in found.refused {
            let kept = tx.refused(&one.refused_id)?;
            refused.extend(kept.map(|(row, body)| record::as_json(&row, &body)));
        }
        Ok((leads, refused))
    })?;
    let counts = SubjectCounts { leads: leads.len(), refused: refused.len() };
    let data = json!({
        person.field(): person.as_str(),
        "made_at_utc": Timestamp::from(clock.now()),
        "leads": leads,
        "refused": refused,
    });
    let text = serde_json::to_string_pretty(&data).map_err(io::Error::from)?;
    Ok((counts, text + "\n"))
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
