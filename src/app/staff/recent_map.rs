//! A bounded map whose entries are forgotten when they have not been used for a time.

use std::collections::HashMap;
use std::hash::Hash;

/// Entries that are kept at most; after that, the one used longest ago goes. An entry costs whoever causes it
/// the hash of a password, and hashes run one after the other: it takes ten minutes of nothing else to
/// displace all of them.
const MAX_ENTRIES: usize = 32_768;

/// Values with the time of their last use, in seconds.
#[derive(Debug)]
pub(crate) struct RecentMap<K, V> {
    keep_seconds: i64,
    entries: HashMap<K, (i64, V)>,
}

impl<K: Hash + Eq + Clone, V: Default> RecentMap<K, V> {
    pub(crate) fn new(keep_seconds: i64) -> Self {
        Self { keep_seconds, entries: HashMap::new() }
    }

    /// The value, and when it was last used.
    pub(crate) fn get(&self, key: &K, now: i64) -> Option<(i64, &V)> {
        let (used, value) = self.entries.get(key)?;
        self.is_kept(*used, now).then_some((*used, value))
    }

    /// The value to change, as a use of it now; a new one if there is none.
    pub(crate) fn use_now(&mut self, key: K, now: i64) -> &mut V {
        if !self.entries.contains_key(&key) && self.entries.len() >= MAX_ENTRIES {
            self.make_room(now);
        }
        let is_kept = self.get(&key, now).is_some();
        let entry = self.entries.entry(key).or_default();
        if !is_kept {
            entry.1 = V::default();
        }
        entry.0 = now;
        &mut entry.1
    }

    /// The value to change, without using it.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    pub(crate) fn remove_all(&mut self, of: impl Fn(&K) -> bool) {
        self.entries.retain(|key, _| !of(key));
    }

    /// What was used in the future is of a clock that was ahead, and is forgotten as well.
    fn is_kept(&self, used: i64, now: i64) -> bool {
        (now - self.keep_seconds..=now).contains(&used)
    }

    fn make_room(&mut self, now: i64) {
        let oldest_kept = now - self.keep_seconds;
        self.entries.retain(|_, (used, _)| (oldest_kept..=now).contains(used));
        if self.entries.len() >= MAX_ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_forgotten_when_it_is_not_used_or_when_the_clock_is_set_back() {
        let mut map = RecentMap::<&str, u32>::new(60);
        *map.use_now("a", 1000) += 1;
        *map.use_now("a", 1060) += 1;
        assert_eq!(map.get(&"a", 1120), Some((1060, &2)));
        assert_eq!((map.get(&"a", 1121), map.get(&"a", 1059)), (None, None));
        *map.use_now("a", 1059) += 1;
        assert_eq!(map.get(&"a", 1059), Some((1059, &1)));
    }

    #[test]
    fn a_full_map_forgets_what_was_used_longest_ago() {
        let mut map = RecentMap::<usize, u32>::new(1_000_000);
        for key in 0..MAX_ENTRIES + 10 {
            map.use_now(key, key.try_into().expect("small"));
        }
        let now = 100_000;
        assert_eq!((map.get(&9, now), map.entries.len()), (None, MAX_ENTRIES));
        assert!(map.get(&10, now).is_some());
    }
}
