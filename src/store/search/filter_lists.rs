//! The index's sorted lists of leads by status, and by whether somebody has opened them.

use std::fmt::Write as _;

use rusqlite::{Connection, Row, params};

use crate::domain::filter::LeadFilter;
use crate::domain::lead::status::LeadStatus;
use crate::store::error::StoreError;

/// The lists that hold what a filter asks for: those of these statuses, opened or not.
#[derive(Clone)]
pub(crate) struct FilterLists {
    statuses: Vec<LeadStatus>,
    opened: Vec<bool>,
}

impl FilterLists {
    /// `None` if the filter asks for neither.
    pub(crate) fn of(filter: &LeadFilter) -> Option<Self> {
        if filter.status.is_none() && filter.opened.is_none() {
            return None;
        }
        Some(Self {
            statuses: filter.status.map_or(LeadStatus::ALL.to_vec(), |status| vec![status]),
            opened: filter.opened.map_or(vec![false, true], |opened| vec![opened]),
        })
    }

    pub(crate) fn all() -> Self {
        Self { statuses: LeadStatus::ALL.to_vec(), opened: vec![false, true] }
    }

    pub(crate) fn one(status: LeadStatus, opened: bool) -> Self {
        Self { statuses: vec![status], opened: vec![opened] }
    }

    /// Selects `columns` from the rows of each list that meet a condition; a sorted union is merged from the
    /// sorted lists.
    pub(crate) fn union(&self, columns: &str, and: &str) -> String {
        let mut sql = String::new();
        for status in &self.statuses {
            for opened in &self.opened {
                let union = if sql.is_empty() { "" } else { " UNION ALL " };
                let opened = i32::from(*opened);
                let _ = write!(
                    sql,
                    "{union}SELECT {columns} FROM lead_search_filter
                     WHERE status = '{status}' AND opened = {opened} {and}"
                );
            }
        }
        sql
    }

    /// The condition that a row is in one of the lists.
    pub(crate) fn condition(&self) -> String {
        let statuses: Vec<_> = self.statuses.iter().map(|status| format!("'{status}'")).collect();
        let opened: Vec<_> = self.opened.iter().map(|o| i32::from(*o).to_string()).collect();
        let (statuses, opened) = (statuses.join(", "), opened.join(", "));
        format!("status IN ({statuses}) AND opened IN ({opened})")
    }

    /// The smallest and the greatest key.
    pub(crate) fn key_range(
        &self,
        conn: &Connection,
    ) -> Result<(Option<i64>, Option<i64>), StoreError> {
        let end = |of: &str| {
            format!("SELECT {of}(key) FROM ({})", self.union(&format!("{of}(key) AS key"), ""))
        };
        let sql = format!("SELECT ({}), ({})", end("min"), end("max"));
        let range = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(conn.prepare_cached(&sql)?.query_row([], range)?)
    }

    /// Whether the lists have at most this many rows.
    pub(crate) fn are_small(&self, conn: &Connection, most: u32) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 FROM ({}) LIMIT 1 OFFSET ?1", self.union("1", ""));
        Ok(!conn.prepare_cached(&sql)?.exists(params![most])?)
    }
}
