//! The other requests of the person who sent a lead.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use crate::domain::filter::{LeadFilter, LeadOrder};
use crate::domain::lead::Lead;
use crate::domain::person::SamePerson;
use crate::store::error::StoreError;
use crate::store::leads::keyset_scan::KeysetScan;
use crate::store::leads::query::LeadCount;
use crate::store::read::ReadTx;
use crate::store::search::plan::SearchPlan;
use crate::store::search::unindexed::Unindexed;

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
        let indexed_through = Unindexed::load(self.0)?.indexed_through;
        let unindexed =
            Unindexed { indexed_through, changed: HashMap::new(), keys: HashSet::new() };
        let mut newer: Vec<(i64, SamePerson)> = Vec::new();
        unindexed.for_each_match(self.0, &LeadFilter::default(), &mut |lead| {
            newer.push((lead.audit_seq, SamePerson::as_in(&lead)));
            ControlFlow::Continue(())
        })?;
        // A search for somebody finds many of their requests.
        let mut known: HashMap<SamePerson, usize> = HashMap::new();
        let count = |lead: &Lead| {
            let person = SamePerson::as_in(lead);
            if let Some(requests) = known.get(&person) {
                return Ok(Some(*requests));
            }
            let mut seqs: BTreeSet<i64> = BTreeSet::from([lead.audit_seq]);
            let sent = newer.iter().filter(|(_, other)| other.is_same(&person));
            seqs.extend(sent.map(|(seq, _)| *seq));
            let filter = LeadFilter { person: Some(person.clone()), ..LeadFilter::default() };
            if let Some(plan) = SearchPlan::for_filter(self.0, &filter)? {
                let scan = KeysetScan::newest(MAX_REQUESTS);
                let mut keys = 0;
                let mut has_others = |_| {
                    keys += 1;
                    if keys > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                // Most people send one request, which is known already.
                scan.keys(self.0, &filter, &plan.fast, &unindexed, 2, &mut has_others)?;
                if keys > 1 || lead.audit_seq > indexed_through {
                    let found =
                        scan.indexed(self.0, &filter, &plan.fast, &unindexed, usize::MAX)?;
                    seqs.extend(found.0.iter().map(|lead| lead.audit_seq));
                }
            }
            let requests = seqs.len().min(MAX_REQUESTS);
            known.insert(person, requests);
            Ok(Some(requests))
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
