//! Whether keys that come in order are in sorted lists, without a look-up for each.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::RangeInclusive;

use rusqlite::{Connection, params};

use crate::store::error::StoreError;
use crate::store::search::filter_lists::FilterLists;

/// The keys that are read at once, at least and at most.
const MIN_KEYS: usize = 4;
const MAX_KEYS: usize = 1024;

/// A part of the lists that moves along with the keys that are asked for: many keys at once where those asked
/// for are close together, and few where they are far apart.
pub(crate) struct ListWindow<'a> {
    conn: &'a Connection,
    sql: String,
    range: RangeInclusive<i64>,
    descending: bool,
    /// The next keys of the lists, sorted.
    keys: VecDeque<i64>,
    /// How many are read at once.
    size: usize,
    /// How many times these were asked for.
    asked: usize,
    /// Whether the lists end with these.
    is_last: bool,
}

impl<'a> ListWindow<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        lists: &FilterLists,
        range: RangeInclusive<i64>,
        descending: bool,
    ) -> Self {
        let order = if descending { "DESC" } else { "ASC" };
        let union = lists.union("key", "AND key BETWEEN ?1 AND ?2");
        let sql = format!("{union} ORDER BY 1 {order} LIMIT ?3");
        let (keys, size) = (VecDeque::new(), MIN_KEYS);
        Self { conn, sql, range, descending, keys, size, asked: 0, is_last: false }
    }

    /// Whether a key is in the lists. Each key must come behind the one before.
    pub(crate) fn contains(&mut self, key: i64) -> Result<bool, StoreError> {
        loop {
            while let Some(next) = self.keys.front() {
                let order = if self.descending { key.cmp(next) } else { next.cmp(&key) };
                if order != Ordering::Less {
                    self.asked += 1;
                    return Ok(order == Ordering::Equal);
                }
                self.keys.pop_front();
            }
            if self.is_last {
                return Ok(false);
            }
            self.read_from(key)?;
        }
    }

    fn read_from(&mut self, key: i64) -> Result<(), StoreError> {
        self.size = if self.asked > 1 { self.size * 2 } else { self.size / 2 };
        self.size = self.size.clamp(MIN_KEYS, MAX_KEYS);
        self.asked = 0;
        let (first, last) = match self.descending {
            true => (*self.range.start(), key),
            false => (key, *self.range.end()),
        };
        let most = i64::try_from(self.size).unwrap_or(i64::MAX);
        let mut statement = self.conn.prepare_cached(&self.sql)?;
        let keys = statement.query_map(params![first, last, most], |row| row.get(0))?;
        self.keys = keys.collect::<Result<_, _>>()?;
        self.is_last = self.keys.len() < self.size;
        Ok(())
    }
}
