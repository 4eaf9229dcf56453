//! Limits the audit rows of refused sign-ins.

/// Why a sign-in was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalReason {
    /// The name or the password is wrong.
    Password,
    /// The code is wrong.
    Code,
    /// The password is right, and the code is still to come.
    CodeMissing,
}

impl RefusalReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::CodeMissing => "code_missing",
        }
    }
}

/// The audit rows that there may be for refusals: of unknown names, of accounts, and of missing codes, which
/// belong to every sign-in of two steps. None can use up the rows of the others.
#[derive(Debug, Default)]
pub(crate) struct AuditBudgets([TokenBucket; 3]);

impl AuditBudgets {
    /// Takes a row if there is one; returns how many of the same kind were suppressed before it.
    pub(crate) fn take(
        &mut self,
        account_exists: bool,
        reason: RefusalReason,
        now: i64,
    ) -> Option<u64> {
        let kind = match (account_exists, reason) {
            (_, RefusalReason::CodeMissing) => 2,
            (exists, RefusalReason::Password | RefusalReason::Code) => usize::from(exists),
        };
        self.0[kind].take(now)
    }
}

/// Limits the audit rows for refusals, so that they cannot fill the disk: 30 at once, then one every
/// two minutes. Suppressed rows are counted in the next one.
#[derive(Debug)]
struct TokenBucket {
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
    fn take(&mut self, now: i64) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_ins_with_two_steps_left_no_audit_rows_for_an_attack() {
        let mut budgets = AuditBudgets::default();
        for sign_in in 0..100 {
            let expected = (sign_in < 30).then_some(0);
            assert_eq!(budgets.take(true, RefusalReason::CodeMissing, 1000), expected);
        }
        assert_eq!(budgets.take(false, RefusalReason::Password, 1000), Some(0));
        assert_eq!(budgets.take(true, RefusalReason::Password, 1000), Some(0));
        assert_eq!(budgets.take(true, RefusalReason::Code, 1000), Some(0));
        assert_eq!(budgets.take(true, RefusalReason::CodeMissing, 1120), Some(70));
    }
}
