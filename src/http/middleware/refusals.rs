//! Counts refusals, so that a flood of them shares lines of the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;

/// Lines between two reports for the refused sign-ins of one client. A program that counts them, such as
/// fail2ban, needs a few.
const MAX_LINES_OF_CLIENT: u64 = 5;
/// Lines between two reports for the refused sign-ins of all clients with the same status: what a botnet can
/// cause. Those that came too early (429) cannot use up the lines of wrong passwords (401).
const MAX_LINES_OF_CLIENTS: u64 = 30;

/// Marks the response to a sign-in that was refused, for its line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RefusedSignIn {
    /// The client's address, where clients are told apart.
    pub(crate) client: Option<IpAddr>,
}

/// What makes refusals equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RefusalKind {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) sign_in: Option<RefusedSignIn>,
}

impl RefusalKind {
    fn is_of_client(&self) -> bool {
        self.sign_in.is_some_and(|sign_in| sign_in.client.is_some())
    }
}

/// Refusals since the last report; cheap to clone. There are as many kinds as routes, methods and statuses
/// allow, and no more clients than lines for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusalCounter(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    kinds: HashMap<RefusalKind, KindCount>,
    lines_of_clients: HashMap<StatusCode, u64>,
}

#[derive(Debug, Default)]
struct KindCount {
    lines: u64,
    folded: u64,
}

impl RefusalCounter {
    /// Counts a refusal; returns whether it has no line of its own.
    pub(crate) fn fold(&self, kind: RefusalKind) -> bool {
        let mut counts = self.lock();
        if kind.is_of_client() {
            return counts.fold_of_client(kind);
        }
        counts.fold_after(kind, 1)
    }

    /// Begins anew; returns the kinds that had refusals without a line, and how many.
    pub(crate) fn take_folded(&self) -> Vec<(RefusalKind, u64)> {
        let mut counts = self.lock();
        counts.lines_of_clients.clear();
        // A kind that did not occur since the last report gets a line at once the next time.
        counts.kinds.retain(|_, count| count.folded > 0);
        let mut folded = Vec::with_capacity(counts.kinds.len());
        for (kind, count) in &mut counts.kinds {
            folded.push((*kind, std::mem::take(&mut count.folded)));
            if kind.is_of_client() {
                count.lines = 0;
            }
        }
        folded
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn fold_of_client(&mut self, kind: RefusalKind) -> bool {
        let lines_so_far = self.lines_of_clients.get(&kind.status).copied().unwrap_or(0);
        let may_have_line = lines_so_far < MAX_LINES_OF_CLIENTS;
        if !may_have_line && !self.kinds.contains_key(&kind) {
            // One line for all clients that have none.
            let anyone = Some(RefusedSignIn { client: None });
            return self.fold_after(RefusalKind { sign_in: anyone, ..kind }, 1);
        }
        let lines = if may_have_line { MAX_LINES_OF_CLIENT } else { 0 };
        let is_folded = self.fold_after(kind, lines);
        *self.lines_of_clients.entry(kind.status).or_default() += u64::from(!is_folded);
        is_folded
    }

    /// Counts a refusal, of which the first have lines.
    fn fold_after(&mut self, kind: RefusalKind, lines: u64) -> bool {
        let count = match self.kinds.entry(kind) {
            Entry::Occupied(count) => count.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(KindCount::default()),
        };
        let is_folded = count.lines >= lines;
        if is_folded {
            count.folded += 1;
        } else {
            count.lines += 1;
        }
        is_folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(client: Option<u32>, status: StatusCode) -> RefusalKind {
        let client = client.map(|bits| IpAddr::V4(bits.into()));
        let sign_in = Some(RefusedSignIn { client });
        RefusalKind { method: "POST", route: "/admin/api/session", status, sign_in }
    }

    #[test]
    fn a_client_has_five_lines_and_is_named_in_the_report() {
        let refusals = RefusalCounter::default();
        let kind = refused(Some(1), StatusCode::UNAUTHORIZED);
        for _ in 0..2 {
            let folded = (0..12).filter(|_| refusals.fold(kind)).count();
            assert_eq!((folded, refusals.take_folded()), (7, vec![(kind, 7)]));
        }
        assert_eq!(refusals.take_folded(), []);
        assert!(!refusals.fold(kind));
    }

    #[test]
    fn a_botnet_filled_the_log_with_refused_sign_ins() {
        let refusals = RefusalCounter::default();
        let early = (0..1000)
            .filter(|bot| !refusals.fold(refused(Some(*bot), StatusCode::TOO_MANY_REQUESTS)));
        assert_eq!(early.count(), 31, "one of them for all others");
        let wrong =
            (0..1000).filter(|bot| !refusals.fold(refused(Some(*bot), StatusCode::UNAUTHORIZED)));
        assert_eq!(wrong.count(), 31);
        let folded = refusals.take_folded();
        assert_eq!(folded.iter().map(|(_, count)| count).sum::<u64>(), 2 * (1000 - 31));
        assert!(folded.iter().all(|(kind, _)| !kind.is_of_client()), "{folded:?}");
    }

    #[test]
    fn clients_that_are_not_told_apart_share_a_line() {
        let refusals = RefusalCounter::default();
        let kind = refused(None, StatusCode::UNAUTHORIZED);
        for _ in 0..2 {
            (0..10).for_each(|_| _ = refusals.fold(kind));
        }
        assert_eq!(refusals.take_folded(), [(kind, 19)]);
        assert!(refusals.fold(kind), "the flood goes on");
    }
}
