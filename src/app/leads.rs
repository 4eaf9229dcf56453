//! Looking at leads, and saying where one stands.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::admin_state::AdminState;
use crate::clock::Clock;
use crate::domain::audit::AuditRow;
use crate::domain::cursor::Cursor;
use crate::domain::filter::LeadFilter;
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService};
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::query::LeadCount;
use crate::store::read::{ReadPool, ReadTx};

/// The most audit rows of one lead that are shown.
const TIMELINE: u32 = 1000;
/// Characters of a message in a list.
const EXCERPT_CHARS: usize = 160;
/// Leads are counted no further than this.
const COUNTED: usize = 10_000;

/// A lead with all that is known about it.
#[derive(Debug)]
pub struct LeadDetail {
    pub lead: Lead,
    pub receipt: Option<ChainPosition>,
    /// Whether the lead is what its audit row tells of.
    pub digest_valid: bool,
    /// Oldest first.
    pub timeline: Vec<AuditRow>,
}

/// The newest leads that the filter finds, newest first.
///
/// # Errors
/// The database cannot be read.
pub fn list(database: &Path, filter: &LeadFilter, limit: usize) -> Result<Vec<Lead>, StoreError> {
    ReadPool::open(database)?.read(|snapshot| snapshot.lead_page(filter, None, limit))
}

/// A lead by its id or its `request_id`.
///
/// # Errors
/// The database cannot be read.
pub fn show(database: &Path, id: &str) -> Result<Option<LeadDetail>, StoreError> {
    ReadPool::open(database)?.read(|snapshot| shown(snapshot, id))
}

fn shown(snapshot: &ReadTx<'_>, id: &str) -> Result<Option<LeadDetail>, StoreError> {
    let Some(lead) = snapshot.lead(id)? else {
        return Ok(None);
    };
    let arrival = snapshot.audit_at(lead.audit_seq)?;
    let mut timeline = snapshot.newest_audit(None, Some(&lead.id), TIMELINE)?;
    timeline.reverse();
    let receipt = arrival
        .as_ref()
        .and_then(|row| Some(ChainPosition { seq: row.seq, hash: Sha256Hash::parse(&row.hash)? }));
    let digest = arrival.as_ref().and_then(AuditRow::lead_digest);
    let digest_valid = digest.is_some() && digest == Some(lead.columns().digest());
    Ok(Some(LeadDetail { lead, receipt, digest_valid, timeline }))
}

/// A lead in a list.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Serialize, ToSchema)]
#[schema(as = LeadSummary)]
pub struct LeadSummary {
    #[schema(format = Uuid)]
    pub id: String,
    /// The place of its arrival in the audit log.
    pub seq: i64,
    #[schema(format = DateTime)]
    pub created_at_utc: String,
    pub name: String,
    #[schema(required)]
    pub company: Option<String>,
    #[schema(required, value_type = Option<LeadService>)]
    pub service: Option<String>,
    #[schema(value_type = LeadStatus)]
    pub status: String,
    /// Of the message, on one line.
    pub excerpt: String,
}

impl LeadSummary {
    #[must_use]
    pub fn of(lead: &Lead) -> Self {
        Self {
            id: lead.id.clone(),
            seq: lead.audit_seq,
            created_at_utc: lead.created_at_utc.clone(),
            name: lead.name.as_str().to_owned(),
            company: lead.company.as_ref().map(|c| c.as_str().to_owned()),
            service: lead.service.clone(),
            status: lead.status.clone(),
            excerpt: excerpt(lead.message.as_str()),
        }
    }
}

/// The first characters of a message, white space collapsed.
fn excerpt(message: &str) -> String {
    let mut text = String::new();
    for word in message.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        if text.chars().count() > EXCERPT_CHARS {
            return text.chars().take(EXCERPT_CHARS).collect();
        }
    }
    text
}

/// A page of leads, newest first.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Serialize, ToSchema)]
#[schema(as = LeadPage)]
pub struct LeadPage {
    pub leads: Vec<LeadSummary>,
    /// Where the next page begins, if there is one.
    #[schema(required)]
    pub next: Option<String>,
    /// Of the first page alone.
    #[schema(required)]
    pub count: Option<LeadCount>,
}

/// A lead opened from a list, with its neighbours there.
#[derive(Debug)]
pub struct LeadInContext {
    pub shown: LeadDetail,
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

impl AdminState {
    /// A page of the leads that the filter finds, behind the place `before`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn leads(
        &self,
        filter: LeadFilter,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<LeadPage, StoreError> {
        self.read(move |snapshot| {
            // One more than is shown tells whether there is a next page.
            let mut leads = snapshot.lead_page(&filter, before, limit + 1)?;
            let more = leads.len() > limit;
            leads.truncate(limit);
            let next = leads.last().filter(|_| more).map(|lead| Cursor::of(lead).to_string());
            let count = match before {
                None if more => {
                    let count = snapshot.lead_count(&filter, COUNTED)?;
                    // It may have broken off before it came to all that are shown.
                    Some(LeadCount { rows: count.rows.max(limit), ..count })
                }
                None => Some(LeadCount { rows: leads.len(), exact: true }),
                Some(_) => None,
            };
            Ok(LeadPage { leads: leads.iter().map(LeadSummary::of).collect(), next, count })
        })
        .await
    }

    /// A lead with its timeline and its neighbours in the list of this filter. That somebody has
    /// opened it is on the disk before anything of it is given out.
    ///
    /// # Errors
    /// [`OpenLeadError`].
    pub async fn open(
        &self,
        id: String,
        filter: LeadFilter,
        actor: String,
    ) -> Result<LeadInContext, OpenLeadError> {
        let sought = id.clone();
        let (there, erased) = self
            .read(move |snapshot| {
                Ok((snapshot.lead(&sought)?.is_some(), snapshot.was_erased(&sought)?))
            })
            .await?;
        if !there {
            return Err(if erased { OpenLeadError::Erased } else { OpenLeadError::Unknown });
        }
        let sought = id.clone();
        let viewed = self.write(move |tx| store::leads::note_viewed(tx, &sought, &actor)).await?;
        let opened = self
            .read(move |snapshot| {
                let Some(shown) = shown(snapshot, &id)? else { return Ok(None) };
                let (newer, older) = snapshot.neighbours(&filter, Cursor::of(&shown.lead))?;
                Ok(Some(LeadInContext { shown, newer, older }))
            })
            .await?;
        // Erased between the one and the other.
        opened.filter(|_| viewed).ok_or(OpenLeadError::Erased)
    }
}

/// Makes the present statuses, which are kept apart to filter by, anew from the audit log.
/// Returns how many leads have another status than they came with.
///
/// # Errors
/// The database cannot be written.
pub fn rebuild_status(database: &Path, clock: &Clock) -> Result<usize, StoreError> {
    crate::app::write(database, clock, store::leads::rebuild_status)
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
    to: LeadStatus,
    actor: &str,
) -> Result<Option<StatusChange>, StoreError> {
    let (id, actor) = (id.to_owned(), actor.to_owned());
    let from = crate::app::write(database, clock, move |tx| {
        store::leads::set_status(tx, &id, to, &actor)
    })?;
    Ok(from.map(|from| StatusChange { from, to: to.as_str() }))
}
