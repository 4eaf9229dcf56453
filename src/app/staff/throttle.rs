//! Slows the guessing of passwords down, and locks nobody out: what a stranger does elsewhere never keeps a
//! person from signing in from a device that has signed in before, and hardly from another one.
//!
//! Every try counts before its outcome is known, so that concurrent ones count as well.
//!
//! - **The tries of one client for one account**, or of one known device, are free at first; then each waits
//!   twice as long as the one before, up to a quarter of an hour. A person who mistypes waits for seconds. One
//!   client makes 15 tries in the first quarter of an hour, and then four an hour.
//! - **All tries for one account from devices that are not known** are at most 100 in any hour, as OWASP's
//!   Application Security Verification Standard 4.0 asks (2.2.1): at that rate, a million passwords take more
//!   than a year, however many addresses a botnet has. This limit can keep a person with a new device waiting
//!   while an attack goes on. So that one attacker cannot reach it, whose provider gives out whole networks,
//!   those of one **site** (IPv4 /24, IPv6 /48) are at most 40 in any hour.
//! - **All tries of one client**, for whatever names, are at most 100 in 15 minutes beyond the first 100: they
//!   cost processor time.
//!
//! Where clients are not told apart (a proxy that is not trusted), only the limit for the account applies.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use crate::app::staff::recent_map::RecentMap;
use crate::domain::timestamp::Timestamp;

/// Tries of a client or a known device for an account before it has to wait.
const FREE_TRIES: u32 = 5;
/// The longest time between two tries.
const MAX_WAIT_SECONDS: i64 = 15 * 60;
/// The tries of a client or device are forgotten when it makes none for this long.
const QUIET_SECONDS: i64 = 24 * 60 * 60;
/// What a sign-in may have taken from the limits that others share: one try with the password alone, one with
/// the code as well.
const SIGN_IN_STEPS: i64 = 2;

const ACCOUNT_RATE: Rate = Rate { burst: 50, refill_seconds: 72 };
const SITE_RATE: Rate = Rate { burst: 20, refill_seconds: 180 };
const CLIENT_RATE: Rate = Rate { burst: 100, refill_seconds: 9 };

/// The hash of the name that was given, known or not.
type NameHash = [u8; 32];

/// Who tries to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// A device that has signed in to the account before, by the hash of its token.
    Device([u8; 32]),
    /// Any other client, by its address.
    Client(IpAddr),
    /// A client that is not told apart from others.
    Anyone,
}

/// A try to sign in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) name: NameHash,
    /// Whether there is such an account. The limits are the same, but names that nobody has cannot displace
    /// what is known of accounts.
    pub(crate) exists: bool,
    /// When the account was last unlocked.
    pub(crate) unlocked: Option<Timestamp>,
    pub(crate) visitor: Visitor,
}

/// What is known of earlier tries.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// Of names that nobody has, and of accounts.
    names: [NameLimits; 2],
    clients: Budgets<IpAddr>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { names: Default::default(), clients: Budgets::new(CLIENT_RATE) }
    }
}

impl Throttle {
    /// Counts a try, or returns after how many seconds it may be made.
    pub(crate) fn begin(&mut self, attempt: &Attempt, now: i64) -> Result<(), i64> {
        self.of_name(attempt).forget_if_unlocked(attempt);
        let wait = self.wait(attempt, now);
        if wait > 0 {
            return Err(wait);
        }
        self.of_name(attempt).count(attempt, now);
        if let Visitor::Client(address) = attempt.visitor {
            self.clients.count(network(address), now);
        }
        Ok(())
    }

    /// Forgets the tries of who has signed in.
    pub(crate) fn succeeded(&mut self, attempt: &Attempt) {
        self.of_name(attempt).succeeded(attempt);
        if let Visitor::Client(address) = attempt.visitor {
            self.clients.refund(&network(address));
        }
    }

    fn wait(&self, attempt: &Attempt, now: i64) -> i64 {
        let of_client = match attempt.visitor {
            Visitor::Client(address) => self.clients.wait(&network(address), now),
            Visitor::Device(_) | Visitor::Anyone => 0,
        };
        self.names[usize::from(attempt.exists)].wait(attempt, now).max(of_client)
    }

    fn of_name(&mut self, attempt: &Attempt) -> &mut NameLimits {
        &mut self.names[usize::from(attempt.exists)]
    }
}

/// Whose tries wait longer and longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Waiting {
    Device([u8; 32]),
    Network(IpAddr),
}

impl Visitor {
    fn waiting(self) -> Option<Waiting> {
        match self {
            Self::Device(hash) => Some(Waiting::Device(hash)),
            Self::Client(address) => Some(Waiting::Network(network(address))),
            Self::Anyone => None,
        }
    }
}

/// The limits on tries for one name.
#[derive(Debug)]
struct NameLimits {
    tries: RecentMap<(NameHash, Waiting), u32>,
    sites: Budgets<(NameHash, IpAddr)>,
    accounts: Budgets<NameHash>,
    unlocked: HashMap<NameHash, Timestamp>,
}

impl Default for NameLimits {
    fn default() -> Self {
        Self {
            tries: RecentMap::new(QUIET_SECONDS),
            sites: Budgets::new(SITE_RATE),
            accounts: Budgets::new(ACCOUNT_RATE),
            unlocked: HashMap::new(),
        }
    }
}

impl NameLimits {
    fn wait(&self, attempt: &Attempt, now: i64) -> i64 {
        let own = attempt.visitor.waiting().map_or(0, |waiting| {
            let tries = self.tries.get(&(attempt.name, waiting), now);
            tries.map_or(0, |(last, tries)| last + wait_after(*tries) - now)
        });
        match attempt.visitor {
            Visitor::Device(_) => own,
            Visitor::Client(address) => own
                .max(self.sites.wait(&(attempt.name, site(address)), now))
                .max(self.accounts.wait(&attempt.name, now)),
            Visitor::Anyone => self.accounts.wait(&attempt.name, now),
        }
    }

    fn count(&mut self, attempt: &Attempt, now: i64) {
        if let Some(waiting) = attempt.visitor.waiting() {
            let tries = self.tries.use_now((attempt.name, waiting), now);
            *tries = tries.saturating_add(1);
        }
        if let Visitor::Client(address) = attempt.visitor {
            self.sites.count((attempt.name, site(address)), now);
        }
        if !matches!(attempt.visitor, Visitor::Device(_)) {
            self.accounts.count(attempt.name, now);
        }
    }

    fn succeeded(&mut self, attempt: &Attempt) {
        if let Some(waiting) = attempt.visitor.waiting() {
            self.tries.remove(&(attempt.name, waiting));
        }
        if let Visitor::Client(address) = attempt.visitor {
            self.sites.refund(&(attempt.name, site(address)));
        }
        if !matches!(attempt.visitor, Visitor::Device(_)) {
            self.accounts.refund(&attempt.name);
        }
    }

    /// The time of unlocking is compared with the last one that was seen, not with the clock: another process
    /// has set it.
    fn forget_if_unlocked(&mut self, attempt: &Attempt) {
        let Attempt { name, unlocked: Some(unlocked), .. } = *attempt else { return };
        if self.unlocked.insert(name, unlocked) != Some(unlocked) {
            self.tries.remove_all(|(of, _)| *of == name);
            self.sites.full_at.remove_all(|(of, _)| *of == name);
            self.accounts.full_at.remove(&name);
        }
    }
}

/// The time between a number of tries and the next one.
fn wait_after(tries: u32) -> i64 {
    match tries.checked_sub(FREE_TRIES) {
        None => 0,
        Some(more) => 1_i64.checked_shl(more).unwrap_or(i64::MAX).clamp(1, MAX_WAIT_SECONDS),
    }
}

/// What one subscriber has: an IPv4 address, an IPv6 /64 network.
fn network(address: IpAddr) -> IpAddr {
    prefix(address, 32, 64)
}

/// What one organisation has: an IPv4 /24 network, an IPv6 /48 network.
fn site(address: IpAddr) -> IpAddr {
    prefix(address, 24, 48)
}

fn prefix(address: IpAddr, v4_bits: u32, v6_bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & (u32::MAX << (32 - v4_bits))).into()),
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & (u128::MAX << (128 - v6_bits))).into()),
    }
}

/// So many tries at once, and then one each time.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: i64,
    refill_seconds: i64,
}

/// Budgets of tries by key.
#[derive(Debug)]
struct Budgets<K> {
    rate: Rate,
    /// When each budget is full again.
    full_at: RecentMap<K, i64>,
}

impl<K: Hash + Eq + Clone> Budgets<K> {
    fn new(rate: Rate) -> Self {
        Self { rate, full_at: RecentMap::new(rate.burst * rate.refill_seconds) }
    }

    fn wait(&self, key: &K, now: i64) -> i64 {
        let Some((_, full_at)) = self.full_at.get(key, now) else { return 0 };
        (full_at - now - (self.rate.burst - 1) * self.rate.refill_seconds).max(0)
    }

    fn count(&mut self, key: K, now: i64) {
        let full_at = self.full_at.use_now(key, now);
        *full_at = (*full_at).max(now) + self.rate.refill_seconds;
    }

    /// Takes back what a sign-in has counted.
    fn refund(&mut self, key: &K) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at -= SIGN_IN_STEPS * self.rate.refill_seconds;
        }
    }
}

#[cfg(test)]
mod tests;
