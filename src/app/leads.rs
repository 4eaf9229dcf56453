//! Lists and opens leads, and changes their status.

use std::path::Path;

use serde::Serialize;

use crate::app::db::{self, Db};
use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::cursor::Cursor;
use crate::domain::filter::{LeadFilter, LeadOrder};
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::lead::Lead;
use crate::domain::lead::status::LeadStatus;
use crate::domain::notice::LeadNotice;
use crate::domain::recorded::Recorded;
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::person::OtherRequests;
use crate::store::leads::query::LeadCount;
use crate::store::leads::tally::{self, LeadTally};
use crate::store::read::{ReadPool, ReadTx};

/// Audit rows of one lead that are shown, at most.
const MAX_TIMELINE_ROWS: usize = 1000;
/// Leads are counted up to this.
const MAX_COUNT: usize = 10_000;

/// A lead with all that is known about it.
#[derive(Debug)]
pub struct LeadDetail {
    pub lead: Lead,
    pub receipt: Option<ChainPosition>,
    /// Whether the lead matches the digest in its audit row.
    pub digest_valid: bool,
    /// Oldest first.
    pub timeline: Vec<AuditRow>,
    /// Who was told of it; `None` where that cannot be read.
    pub notices: Option<Vec<LeadNotice>>,
}

/// The first leads that match the filter, in an order.
///
/// # Errors
/// The database cannot be read.
pub fn list(
    database: &Path,
    filter: &LeadFilter,
    order: LeadOrder,
    limit: usize,
) -> Result<Vec<Lead>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.lead_page(filter, order, None, limit))
}

/// What a search that finds nothing may have meant.
///
/// # Errors
/// The database cannot be read.
pub fn suggestion(database: &Path, filter: &LeadFilter) -> Result<Option<String>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.suggestion(filter))
}

/// A lead by its id or its `request_id`.
///
/// # Errors
/// The database cannot be read.
pub fn show(database: &Path, id: &str) -> Result<Option<LeadDetail>, StoreError> {
    ReadPool::open(database)?.read(|tx| detail(tx, id))
}

fn detail(tx: &ReadTx<'_>, id: &str) -> Result<Option<LeadDetail>, StoreError> {
    let Some(lead) = tx.lead(id)? else {
        return Ok(None);
    };
    let arrival = tx.audit_row(lead.audit_seq)?;
    let timeline = tx.timeline(&lead.id, MAX_TIMELINE_ROWS)?;
    let receipt = arrival
        .as_ref()
        .and_then(|row| Some(ChainPosition { seq: row.seq, hash: Sha256Hash::parse(&row.hash)? }));
    let digest = arrival.as_ref().and_then(AuditRow::lead_digest);
    let digest_valid = digest.is_some() && digest == Some(lead.digest());
    // Imported leads are not announced.
    let is_announced =
        arrival.is_some_and(|row| row.event == Recorded::Known(AuditEvent::LeadReceived));
    let notices = if is_announced { tx.notices_of_lead(lead.audit_seq) } else { Ok(Vec::new()) };
    // A damaged table of notices must not hide the lead.
    let notices = notices
        .inspect_err(|error| tracing::warn!(%error, "the notices of a lead cannot be read"))
        .ok();
    Ok(Some(LeadDetail { lead, receipt, digest_valid, timeline, notices }))
}

/// A lead of a list.
#[derive(Debug)]
pub struct ListedLead {
    pub lead: Lead,
    /// How many requests its person has sent, this one included, up to
    /// [`crate::store::leads::person::MAX_REQUESTS`]; `None` while the search
    /// index is too far behind.
    pub requests: Option<usize>,
}

/// A page of leads.
#[derive(Debug)]
pub struct LeadPage {
    pub leads: Vec<ListedLead>,
    /// The filter of the list.
    pub filter: LeadFilter,
    /// What a search that finds nothing may have meant.
    pub suggestion: Option<String>,
    /// The cursor of the next page, if there is one.
    pub next: Option<Cursor>,
    /// How many leads the filter matches; for the first page only.
    pub count: Option<LeadCount>,
    /// The `seq` of the last audit row.
    pub as_of: i64,
    /// Counts whatever the filter's status is, and whether or not it asks for leads that nobody has opened; for the
    /// first page only, and not of a search that finds very many leads.
    pub tally: Option<LeadTally>,
}

/// An opened lead with its neighbours in the list that it was opened from.
#[derive(Debug)]
pub struct LeadInContext {
    pub detail: LeadDetail,
    /// `None` while the search index is too far behind.
    pub others: Option<OtherRequests>,
    /// The filter of the list.
    pub filter: LeadFilter,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// Why a lead could not be opened.
#[derive(Debug)]
pub enum OpenLeadError {
    Unknown,
    Erased,
    Store(StoreError),
}

impl From<StoreError> for OpenLeadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A page of the leads that match the filter, after `cursor`, if set.
///
/// # Errors
/// The database cannot be read.
pub async fn page(
    db: &Db,
    filter: LeadFilter,
    order: LeadOrder,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<LeadPage, StoreError> {
    db.read(move |tx| {
        // One more than is shown, to see whether there is a next page.
        let mut leads = tx.lead_page(&filter, order, cursor, limit + 1)?;
        let more = leads.len() > limit;
        leads.truncate(limit);
        let requests = tx.request_counts(&leads)?;
        let next = leads.last().filter(|_| more).map(Cursor::of);
        let count = match cursor {
            None if more => {
                let count = tx.lead_count(&filter, MAX_COUNT)?;
                // The count may have stopped before it reached all that are shown.
                Some(LeadCount { rows: count.rows.max(limit), ..count })
            }
            None => Some(LeadCount { rows: leads.len(), exact: true }),
            Some(_) => None,
        };
        let is_whole_list = filter.status.is_none() && filter.opened.is_none();
        let tally = match &count {
            Some(_) if !more && is_whole_list => Some(LeadTally::of(&leads)),
            // Of a common word: the leads would be looked at in vain.
            Some(count) if filter.terms.is_some() && count.rows > tally::MAX_FOUND => None,
            Some(_) => tx.lead_tally(&filter, MAX_COUNT)?,
            None => None,
        };
        let is_nothing = cursor.is_none() && leads.is_empty();
        let suggestion = if is_nothing { tx.suggestion(&filter)? } else { None };
        let listed = leads.into_iter().zip(requests);
        let leads = listed.map(|(lead, requests)| ListedLead { lead, requests }).collect();
        Ok(LeadPage { leads, filter, suggestion, next, count, tally, as_of: tx.last_seq()? })
    })
    .await
}

/// A lead with its timeline and its neighbours in the list of this filter. The audit row
/// `LEAD_VIEWED` is on the disk before anything of the lead is returned.
///
/// # Errors
/// [`OpenLeadError`].
pub async fn open(
    db: &Db,
    id: String,
    filter: LeadFilter,
    actor: String,
) -> Result<LeadInContext, OpenLeadError> {
    let wanted = id.clone();
    let (exists, erased) =
        db.read(move |tx| Ok((tx.lead(&wanted)?.is_some(), tx.was_erased(&wanted)?))).await?;
    if !exists {
        return Err(if erased { OpenLeadError::Erased } else { OpenLeadError::Unknown });
    }
    let wanted = id.clone();
    let viewed = db.write(move |tx| store::leads::view::record_view(tx, &wanted, &actor)).await?;
    let opened = db.read(move |tx| {
        let Some(detail) = detail(tx, &id)? else { return Ok(None) };
        let (newer, older) = tx.neighbours(&filter, Cursor::of(&detail.lead))?;
        let others = tx.other_requests(&detail.lead)?;
        Ok(Some(LeadInContext { detail, others, filter, newer, older }))
    });
    // It may have been erased between the first read and the last.
    opened.await?.filter(|_| viewed).ok_or(OpenLeadError::Erased)
}

/// What the tables that are rebuilt from the audit log have.
#[derive(Debug)]
pub struct RebuiltTables {
    /// Leads with another status than at their arrival.
    pub changed: usize,
    /// Leads that somebody has opened.
    pub opened: usize,
}

/// Rebuilds the tables of current statuses and of who opened a lead from the audit log.
///
/// # Errors
/// The database cannot be written.
pub fn rebuild_status(database: &Path, clock: &Clock) -> Result<RebuiltTables, StoreError> {
    db::write_once(database, clock, |tx| {
        let changed = store::leads::status::rebuild_status(tx)?;
        Ok(RebuiltTables { changed, opened: store::leads::view::rebuild_views(tx)? })
    })
}

/// Empties the search index, which the server then builds again from the leads.
///
/// # Errors
/// The database cannot be written.
pub fn rebuild_index(database: &Path, clock: &Clock) -> Result<(), StoreError> {
    db::write_once(database, clock, store::search::index::reset)
}

/// A change of status; `from` and `to` are equal where the lead had that status already.
#[derive(Debug, Serialize)]
pub struct StatusChange {
    pub from: LeadStatus,
    pub to: LeadStatus,
}

/// Sets a lead's status and records `LEAD_PROCESSED`, unless it has that status already.
/// Returns `None` when there is no such lead.
///
/// # Errors
/// The database cannot be written.
pub fn set_status(
    database: &Path,
    clock: &Clock,
    id: &str,
    to: LeadStatus,
    actor: &str,
) -> Result<Option<StatusChange>, StoreError> {
    let (id, actor) = (id.to_owned(), actor.to_owned());
    let from = db::write_once(database, clock, move |tx| {
        store::leads::status::set_status(tx, &id, to, &actor)
    })?;
    Ok(from.map(|from| StatusChange { from, to }))
}
