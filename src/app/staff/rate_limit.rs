//! Limits failed sign-ins per account and per peer, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// How long failures count, in seconds.
const WINDOW_SECONDS: i64 = 15 * 60;
/// Failures of one account in that time. Behind a proxy all peers are one: this limit still applies.
const MAX_ACCOUNT_FAILURES: u32 = 10;
/// Failures of one peer in that time: enough for an office that shares an address.
const MAX_PEER_FAILURES: u32 = 100;
/// Accounts, and peers, that are remembered at most. An attempt costs a hash, and hashes run one
/// after the other: no more attempts than this fit into the window.
const MAX_ENTRIES: usize = 32_768;

/// The failures of the last [`WINDOW_SECONDS`].
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// By a hash of the name that was given, known or not.
    accounts: FailureTable<[u8; 32]>,
    peers: FailureTable<IpAddr>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self {
            accounts: FailureTable::new(MAX_ACCOUNT_FAILURES),
            peers: FailureTable::new(MAX_PEER_FAILURES),
        }
    }
}

impl RateLimiter {
    /// Counts an attempt before its outcome is known, so that concurrent attempts count as well. At
    /// the limit, returns after how many seconds the next may be made.
    pub(crate) fn begin(&mut self, name: [u8; 32], peer: IpAddr, now: i64) -> Result<(), i64> {
        let peer = network(peer);
        if let Some(wait) = self.accounts.wait(&name, now).max(self.peers.wait(&peer, now)) {
            return Err(wait);
        }
        self.accounts.count(name, now);
        self.peers.count(peer, now);
        Ok(())
    }

    /// Takes back the count of an attempt that was not a failure.
    pub(crate) fn refund(&mut self, name: &[u8; 32], peer: IpAddr) {
        self.accounts.refund(name);
        self.peers.refund(&network(peer));
    }

    /// Resets the account's failures after a sign-in, and takes back this attempt of the peer.
    pub(crate) fn succeeded(&mut self, name: &[u8; 32], peer: IpAddr) {
        self.accounts.entries.remove(name);
        self.peers.refund(&network(peer));
    }
}

/// The address; for IPv6 the /64 network, which is what one subscriber has.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[derive(Debug)]
struct FailureTable<K> {
    limit: u32,
    /// The start of the window and the number of failures.
    entries: HashMap<K, (i64, u32)>,
}

impl<K: Hash + Eq + Clone> FailureTable<K> {
    fn new(limit: u32) -> Self {
        Self { limit, entries: HashMap::new() }
    }

    fn wait(&self, key: &K, now: i64) -> Option<i64> {
        let (since, count) = self.entries.get(key)?;
        let left = since + WINDOW_SECONDS - now;
        (*count >= self.limit && (1..=WINDOW_SECONDS).contains(&left)).then_some(left)
    }

    fn count(&mut self, key: K, now: i64) {
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.retain(|_, (since, _)| (now - WINDOW_SECONDS..=now).contains(since));
        }
        if self.entries.len() >= MAX_ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&oldest);
            }
        }
        let entry = self.entries.entry(key).or_insert((now, 0));
        if !(now - WINDOW_SECONDS..=now).contains(&entry.0) {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }

    fn refund(&mut self, key: &K) {
        if let Some((_, count)) = self.entries.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Limits the audit rows for refusals, so that they cannot fill the disk: 30 at once, then one every
/// two minutes. Suppressed rows are counted in the next one.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    rows: i64,
    refilled_at: i64,
    suppressed: u64,
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self { rows: Self::CAPACITY, refilled_at: 0, suppressed: 0 }
    }
}

impl TokenBucket {
    const CAPACITY: i64 = 30;
    const REFILL_SECONDS: i64 = 120;

    /// Takes a row if there is one; returns how many were suppressed before it.
    pub(crate) fn take(&mut self, now: i64) -> Option<u64> {
        let more = (now - self.refilled_at) / Self::REFILL_SECONDS;
        if more > 0 || now < self.refilled_at {
            self.rows = self.rows.saturating_add(more.max(0)).min(Self::CAPACITY);
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
