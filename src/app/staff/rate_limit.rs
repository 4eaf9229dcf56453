//! How often somebody may try: for an account and for a peer, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// How long failures count, in seconds.
const WINDOW: i64 = 15 * 60;
/// Failures of one account in that time. Behind a proxy all peers are one, so this is what holds.
const OF_ACCOUNT: u32 = 10;
/// Failures of one peer in that time: enough for an office behind one address.
const OF_PEER: u32 = 100;
/// The most accounts, and the most peers, that are remembered. A try costs a hash, and hashes run
/// one after the other: no more tries than this fit into the time that they count.
const MOST: usize = 32_768;

/// The failures of some time.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// By a hash of the name that was given, known or not.
    accounts: Table<[u8; 32]>,
    peers: Table<IpAddr>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self { accounts: Table::new(OF_ACCOUNT), peers: Table::new(OF_PEER) }
    }
}

impl RateLimiter {
    /// Counts a try before its outcome is known, so that tries at one moment count as well; or
    /// says in how many seconds there may be one.
    pub(crate) fn begin(&mut self, name: [u8; 32], peer: IpAddr, now: i64) -> Result<(), i64> {
        let peer = network(peer);
        if let Some(wait) = self.accounts.wait(&name, now).max(self.peers.wait(&peer, now)) {
            return Err(wait);
        }
        self.accounts.count(name, now);
        self.peers.count(peer, now);
        Ok(())
    }

    /// Takes back the count of a try that was no failure.
    pub(crate) fn refund(&mut self, name: &[u8; 32], peer: IpAddr) {
        self.accounts.take_back(name);
        self.peers.take_back(&network(peer));
    }

    /// Somebody has signed in: the account's failures are forgotten, and this try of the peer.
    pub(crate) fn succeeded(&mut self, name: &[u8; 32], peer: IpAddr) {
        self.accounts.of.remove(name);
        self.peers.take_back(&network(peer));
    }
}

/// The address, or of IPv6 the network that one subscriber has.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[derive(Debug)]
struct Table<K> {
    limit: u32,
    /// Since when, and how many.
    of: HashMap<K, (i64, u32)>,
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn new(limit: u32) -> Self {
        Self { limit, of: HashMap::new() }
    }

    fn wait(&self, key: &K, now: i64) -> Option<i64> {
        let (since, count) = self.of.get(key)?;
        let left = since + WINDOW - now;
        (*count >= self.limit && (1..=WINDOW).contains(&left)).then_some(left)
    }

    fn count(&mut self, key: K, now: i64) {
        if self.of.len() >= MOST {
            self.of.retain(|_, (since, _)| (now - WINDOW..=now).contains(since));
        }
        if self.of.len() >= MOST {
            let oldest = self.of.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.of.remove(&oldest);
            }
        }
        let entry = self.of.entry(key).or_insert((now, 0));
        if !(now - WINDOW..=now).contains(&entry.0) {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }

    fn take_back(&mut self, key: &K) {
        if let Some((_, count)) = self.of.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }
}

/// How many rows the audit log takes of refusals, so that they cannot fill the disk: 30 at once,
/// then one every two minutes; what is left out is counted in the next row.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    rows: i64,
    refilled_at: i64,
    suppressed: u64,
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self { rows: Self::MOST, refilled_at: 0, suppressed: 0 }
    }
}

impl TokenBucket {
    const MOST: i64 = 30;
    const REFILL: i64 = 120;

    /// Whether there may be a row now; if so, how many were left out before it.
    pub(crate) fn take(&mut self, now: i64) -> Option<u64> {
        let more = (now - self.refilled_at) / Self::REFILL;
        if more > 0 || now < self.refilled_at {
            self.rows = self.rows.saturating_add(more.max(0)).min(Self::MOST);
            self.refilled_at = now;
        }
        if self.rows == 0 {
            self.suppressed += 1;
            return None;
        }
        self.rows -= 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}
