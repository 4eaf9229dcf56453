//! What the operator does with refused submissions: lists, reads, retries and removes them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::app::db::write_once;
use crate::clock::Clock;
use crate::domain::field_error::FieldError;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::domain::refused::edit::{self, FieldChange};
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::submit::SubmitOutcome;
use crate::store::privacy::ledger::ErasureLedger;
use crate::store::read::ReadPool;
use crate::store::refused::purge::PurgeSelection;
use crate::store::refused::query::{RefusedEntry, RefusedTotals};
use crate::store::refused::retry::RetryOutcome;

/// Rows that are removed in one transaction of a command.
const PURGE_BATCH: u32 = 200;

/// The newest, newest first, and how many there are; `settled` ones as well, or only those that are no lead yet.
///
/// # Errors
/// The database cannot be read.
pub fn list(
    database: &Path,
    settled: bool,
    limit: usize,
) -> Result<(Vec<RefusedEntry>, RefusedTotals), StoreError> {
    ReadPool::open(database)?
        .read(|tx| Ok((tx.refused_page(settled, None, limit)?, tx.refused_totals()?)))
}

/// One with its body.
///
/// # Errors
/// The database cannot be read.
pub fn show(database: &Path, id: &str) -> Result<Option<(RefusedEntry, Vec<u8>)>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.refused(id))
}

/// What came of a retry.
#[derive(Debug)]
pub enum Retried {
    /// The lead that was made of it.
    Created(String),
    /// This lead was stored already, from the same content.
    Known(String),
    /// Under today's rules, with the changes, it is still refused.
    Refused(Vec<FieldError>),
    NotJson(String),
    /// It has no fields that could be changed.
    NotAnObject,
    /// Its `request_id` is stored with other content in these fields.
    Conflict(Vec<&'static str>),
    Erased,
    /// It has become this lead before.
    Settled(String),
    Gone,
}

/// Submits the body again under today's rules, with these fields changed.
///
/// # Errors
/// The database cannot be read or written.
pub fn retry(
    database: &Path,
    clock: &Clock,
    id: &str,
    changes: &[FieldChange],
    actor: &str,
) -> Result<Retried, StoreError> {
    let Some((entry, body)) = show(database, id)? else { return Ok(Retried::Gone) };
    if entry.settled_at_utc.is_some() {
        return Ok(Retried::Settled(entry.lead_id.unwrap_or_default()));
    }
    let Some(body) = changed(&body, changes, clock) else { return Ok(Retried::NotAnObject) };
    let lead = match NewLead::parse(&body) {
        Ok(lead) => lead,
        Err(LeadParseError::NotJson(detail)) => return Ok(Retried::NotJson(detail)),
        Err(LeadParseError::Invalid { errors, .. }) => return Ok(Retried::Refused(errors)),
    };
    let set: Vec<&'static str> = changes.iter().map(FieldChange::field).collect();
    let (id, actor) = (id.to_owned(), actor.to_owned());
    let outcome = write_once(database, clock, move |tx| {
        store::refused::retry::retry(tx, &id, &lead, &set, &actor)
    })?;
    Ok(match outcome {
        RetryOutcome::Submitted(SubmitOutcome::Created(stored)) => Retried::Created(stored.lead_id),
        RetryOutcome::Submitted(SubmitOutcome::Replayed(stored)) => Retried::Known(stored.lead_id),
        RetryOutcome::Submitted(SubmitOutcome::Conflict(fields)) => Retried::Conflict(fields),
        RetryOutcome::Submitted(SubmitOutcome::Erased) => Retried::Erased,
        RetryOutcome::Settled(lead_id) => Retried::Settled(lead_id),
        RetryOutcome::Gone => Retried::Gone,
    })
}

/// The body with its changes, without a byte order mark; `None` where it has no fields to change.
fn changed(body: &[u8], changes: &[FieldChange], clock: &Clock) -> Option<Vec<u8>> {
    let plain = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if changes.is_empty() {
        return Some(plain.to_vec());
    }
    let (now, new_id) = (Timestamp::from(clock.now()), Uuid::new_v4());
    let text = std::str::from_utf8(plain).ok()?;
    edit::with_fields(text, changes, now, new_id).map(String::into_bytes)
}

/// How many a selection has.
///
/// # Errors
/// The database cannot be read.
pub fn count(database: &Path, selection: &PurgeSelection) -> Result<u64, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.count_refused(selection))
}

/// Those that arrived last before `age` ago.
#[must_use]
pub fn older_than(clock: &Clock, age: TimeDelta) -> PurgeSelection {
    PurgeSelection::Before(Timestamp::from(clock.now()).saturating_sub(age))
}

/// Removes a selection, in batches, also from what an older backup brings back. Their content remains in unused
/// parts of the file until [`store::db::wipe::wipe_deleted`]. Returns how many were removed.
///
/// # Errors
/// The database or the ledger cannot be written; what is counted so far is removed.
pub fn purge(
    database: &Path,
    clock: &Clock,
    selection: &PurgeSelection,
    actor: &str,
) -> Result<usize, StoreError> {
    let ledger = Arc::new(Mutex::new(ErasureLedger::open_complete(database)?));
    let mut count = 0;
    loop {
        let (ledger, selection, actor) = (Arc::clone(&ledger), selection.clone(), actor.to_owned());
        let step = write_once(database, clock, move |tx| {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            store::refused::purge::purge(tx, &selection, PURGE_BATCH, Some(&mut ledger), &actor)
        })?;
        if step == 0 {
            return Ok(count);
        }
        count += step;
    }
}
