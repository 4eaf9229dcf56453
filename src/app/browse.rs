//! Looking at leads, and saying where one stands.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use super::desk::Desk;
use crate::clock::Clock;
use crate::domain::audit::AuditRow;
use crate::domain::chain::{Hash, Receipt};
use crate::domain::filter::LeadFilter;
use crate::domain::lead::{Lead, Service};
use crate::domain::place::Place;
use crate::domain::status::Status;
use crate::store::{self, Count, Readers, Snapshot, StoreError};

/// The most audit rows of one lead that are shown.
const TIMELINE: u32 = 1000;
/// Characters of a message in a list.
const BEGINNING: usize = 160;
/// Leads are counted no further than this.
const COUNTED: usize = 10_000;

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
    Readers::open(database)?.snapshot(|snapshot| snapshot.lead_page(filter, None, limit))
}

/// A lead by its id or its `request_id`.
///
/// # Errors
/// The database cannot be read.
pub fn show(database: &Path, id: &str) -> Result<Option<Shown>, StoreError> {
    Readers::open(database)?.snapshot(|snapshot| shown(snapshot, id))
}

fn shown(snapshot: &Snapshot<'_>, id: &str) -> Result<Option<Shown>, StoreError> {
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
}

/// A lead in a list.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Serialize, ToSchema)]
#[schema(as = LeadSummary)]
pub struct Summary {
    #[schema(format = Uuid)]
    pub id: String,
    /// The place of its arrival in the audit log.
    pub seq: i64,
    #[schema(format = DateTime)]
    pub created_at_utc: String,
    pub name: String,
    #[schema(required)]
    pub company: Option<String>,
    #[schema(required, value_type = Option<Service>)]
    pub service: Option<String>,
    #[schema(value_type = Status)]
    pub status: String,
    /// Of the message, on one line.
    pub beginning: String,
}

impl Summary {
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
            beginning: beginning(lead.message.as_str()),
        }
    }
}

/// The first characters of a message, white space collapsed.
fn beginning(message: &str) -> String {
    let mut text = String::new();
    for word in message.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        if text.chars().count() > BEGINNING {
            return text.chars().take(BEGINNING).collect();
        }
    }
    text
}

/// A page of leads, newest first.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Serialize, ToSchema)]
#[schema(as = LeadPage)]
pub struct Page {
    pub leads: Vec<Summary>,
    /// Where the next page begins, if there is one.
    #[schema(required)]
    pub next: Option<String>,
    /// Of the first page alone.
    #[schema(required)]
    pub count: Option<Count>,
}

/// A lead opened from a list, with its neighbours there.
#[derive(Debug)]
pub struct Opened {
    pub shown: Shown,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// Why a lead could not be opened.
#[derive(Debug)]
pub enum NotOpened {
    Unknown,
    Erased,
    Store(StoreError),
}

impl From<StoreError> for NotOpened {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Desk {
    /// A page of the leads that the filter finds, behind the place `before`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn leads(
        &self,
        filter: LeadFilter,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.read(move |snapshot| {
            // One more than is shown tells whether there is a next page.
            let mut leads = snapshot.lead_page(&filter, before, limit + 1)?;
            let more = leads.len() > limit;
            leads.truncate(limit);
            let next = leads.last().filter(|_| more).map(|lead| Place::of(lead).to_string());
            let count = match before {
                None if more => {
                    let count = snapshot.lead_count(&filter, COUNTED)?;
                    // It may have broken off before it came to all that are shown.
                    Some(Count { rows: count.rows.max(limit), ..count })
                }
                None => Some(Count { rows: leads.len(), exact: true }),
                Some(_) => None,
            };
            Ok(Page { leads: leads.iter().map(Summary::of).collect(), next, count })
        })
        .await
    }

    /// A lead with its timeline and its neighbours in the list of this filter. That somebody has
    /// opened it is on the disk before anything of it is given out.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn open(
        &self,
        id: String,
        filter: LeadFilter,
        actor: String,
    ) -> Result<Opened, NotOpened> {
        let sought = id.clone();
        let (there, erased) = self
            .read(move |snapshot| {
                Ok((snapshot.lead(&sought)?.is_some(), snapshot.was_erased(&sought)?))
            })
            .await?;
        if !there {
            return Err(if erased { NotOpened::Erased } else { NotOpened::Unknown });
        }
        let sought = id.clone();
        let viewed = self.write(move |tx| store::note_viewed(tx, &sought, &actor)).await?;
        let opened = self
            .read(move |snapshot| {
                let Some(shown) = shown(snapshot, &id)? else { return Ok(None) };
                let (newer, older) = snapshot.neighbours(&filter, Place::of(&shown.lead))?;
                Ok(Some(Opened { shown, newer, older }))
            })
            .await?;
        // Erased between the one and the other.
        opened.filter(|_| viewed).ok_or(NotOpened::Erased)
    }
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
