//! The other requests of the person who sent a lead.

use std::ops::ControlFlow;

use crate::domain::filter::{LeadFilter, LeadOrder};
use crate::domain::lead::Lead;
use crate::domain::person::SamePerson;
use crate::store::error::StoreError;
use crate::store::leads::query::LeadCount;
use crate::store::read::ReadTx;
use crate::store::search::{index, unindexed};

/// The count of a person's requests stops here.
pub const MAX_REQUESTS: usize = 10;
/// The other requests that are returned with a lead, at most.
const MAX_OTHERS: usize = 20;
/// They are counted up to this.
const MAX_OTHERS_COUNT: usize = 1000;
/// How many audit rows the index may lack. Until it has them, nothing is said of a person: every lead would
/// have to be looked at.
const MAX_LAG: i64 = 500;

/// The other requests of the person who sent a lead.
#[derive(Debug)]
pub struct OtherRequests {
    /// The newest, newest first.
    pub leads: Vec<Lead>,
    pub count: LeadCount,
}

impl ReadTx<'_> {
    /// How many requests the person of each lead has sent, this one included, up to [`MAX_REQUESTS`]. `None`
    /// while the search index is too far behind.
    ///
    /// # Errors
    /// The database's own.
    pub fn request_counts(&self, leads: &[Lead]) -> Result<Vec<Option<usize>>, StoreError> {
        if self.search_lag()? > MAX_LAG {
            return Ok(vec![None; leads.len()]);
        }
        let mut newer: Vec<SamePerson> = Vec::new();
        let indexed_through = index::indexed_through(self.0)?;
        unindexed::for_each_newer(self.0, indexed_through, &mut |lead| {
            if !lead.is_canary() {
                newer.push(SamePerson::as_in(&lead));
            }
            ControlFlow::Continue(())
        })?;
        let count = |lead: &Lead| {
            let person = SamePerson::as_in(lead);
            let newer = newer.iter().filter(|other| other.is_same(&person)).count();
            let indexed = index::count_of_person(self.0, &person, MAX_REQUESTS)?;
            Ok(Some((indexed + newer).min(MAX_REQUESTS)))
        };
        leads.iter().map(count).collect()
    }

    /// The other requests of the person who sent a lead; `None` while the search index is too far behind.
    ///
    /// # Errors
    /// The database's own.
    pub fn other_requests(&self, lead: &Lead) -> Result<Option<OtherRequests>, StoreError> {
        if self.search_lag()? > MAX_LAG {
            return Ok(None);
        }
        let person = Some(SamePerson::as_in(lead));
        let filter = LeadFilter { person, ..LeadFilter::default() };
        let mut leads = self.lead_page(&filter, LeadOrder::NewestFirst, None, MAX_OTHERS + 2)?;
        leads.retain(|other| other.audit_seq != lead.audit_seq);
        let count = if leads.len() > MAX_OTHERS {
            // One of them is the lead itself.
            let all = self.lead_count(&filter, MAX_OTHERS_COUNT + 1)?;
            LeadCount { rows: all.rows.saturating_sub(1), ..all }
        } else {
            LeadCount { rows: leads.len(), exact: true }
        };
        leads.truncate(MAX_OTHERS);
        Ok(Some(OtherRequests { leads, count }))
    }
}
