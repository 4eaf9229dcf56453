//! Looking at leads, and saying where one stands.

use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use crate::clock::Clock;
use crate::domain::audit::AuditRow;
use crate::domain::chain::{Hash, Receipt};
use crate::domain::filter::LeadFilter;
use crate::domain::lead::Lead;
use crate::domain::status::Status;
use crate::store::{self, Order, Readers, StoreError};

/// The most audit rows of one lead that are shown.
const TIMELINE: u32 = 1000;

/// A lead with all that is known about it.
#[derive(Debug)]
pub struct Shown {
    pub lead: Lead,
    pub receipt: Option<Receipt>,
    /// Whether the lead is what its audit row tells of.
    pub digest_holds: bool,
    /// Oldest first.
    pub timeline: Vec<AuditRow>,
}

/// The newest leads that the filter finds, newest first.
///
/// # Errors
/// The database cannot be read.
pub fn list(database: &Path, filter: &LeadFilter, limit: usize) -> Result<Vec<Lead>, StoreError> {
    Readers::open(database)?.snapshot(|snapshot| {
        let mut leads = Vec::new();
        if limit > 0 {
            snapshot.leads(filter, Order::NewestFirst, &mut |lead| {
                leads.push(lead);
                if leads.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        Ok(leads)
    })
}

/// A lead by its id or its `request_id`.
///
/// # Errors
/// The database cannot be read.
pub fn show(database: &Path, id: &str) -> Result<Option<Shown>, StoreError> {
    Readers::open(database)?.snapshot(|snapshot| {
        let Some(lead) = snapshot.lead(id)? else {
            return Ok(None);
        };
        let arrival = snapshot.audit_at(lead.audit_seq)?;
        let mut timeline = snapshot.newest_audit(None, Some(&lead.id), TIMELINE)?;
        timeline.reverse();
        let receipt = arrival
            .as_ref()
            .and_then(|row| Some(Receipt { seq: row.seq, hash: Hash::parse(&row.hash)? }));
        let digest = arrival.as_ref().and_then(AuditRow::lead_digest);
        let digest_holds = digest.is_some() && digest == Some(lead.columns().digest());
        Ok(Some(Shown { lead, receipt, digest_holds, timeline }))
    })
}

/// Makes the present statuses, which are kept apart to filter by, anew from the audit log.
/// Returns how many leads have another status than they came with.
///
/// # Errors
/// The database cannot be written.
pub fn rebuild_status(database: &Path, clock: &Clock) -> Result<usize, StoreError> {
    super::write(database, clock, store::rebuild_status)
}

/// A change of status that was asked for.
#[derive(Debug, Serialize)]
pub struct StatusChange {
    pub from: String,
    pub to: &'static str,
}

/// Says where a lead stands; writes `LEAD_PROCESSED` unless it stands there already.
/// `None` when there is no such lead.
///
/// # Errors
/// The database cannot be written.
pub fn set_status(
    database: &Path,
    clock: &Clock,
    id: &str,
    to: Status,
    actor: &str,
) -> Result<Option<StatusChange>, StoreError> {
    let (id, actor) = (id.to_owned(), actor.to_owned());
    let from = super::write(database, clock, move |tx| store::set_status(tx, &id, to, &actor))?;
    Ok(from.map(|from| StatusChange { from, to: to.as_str() }))
}
