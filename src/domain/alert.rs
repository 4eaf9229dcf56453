//! Alerts: what the operator is told of trouble.

use serde::{Deserialize, Serialize};

use crate::domain::timestamp::Timestamp;

/// Characters of a detail, at most.
const MAX_DETAIL_CHARS: usize = 300;

/// What is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertPhase {
    Began,
    /// It still lasts.
    Reminded,
    Ended,
}

impl AlertPhase {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Reminded => "reminded",
            Self::Ended => "ended",
        }
    }
}

/// A notice of an alert, without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertNotice {
    pub kind: String,
    pub phase: AlertPhase,
    pub began_at_utc: Timestamp,
    pub detail: String,
}

/// An alert as it was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub kind: String,
    pub began_at_utc: Timestamp,
    pub told_at_utc: Timestamp,
    pub ended_at_utc: Option<Timestamp>,
    pub detail: String,
}

impl Alert {
    /// One that begins, or a reminder or the end of the one that was told before.
    #[must_use]
    pub fn told(
        before: Option<&Self>,
        kind: &str,
        phase: AlertPhase,
        detail: &str,
        now: Timestamp,
    ) -> Self {
        let began = before.filter(|_| phase != AlertPhase::Began).map(|alert| alert.began_at_utc);
        Self {
            kind: kind.to_owned(),
            began_at_utc: began.unwrap_or(now),
            told_at_utc: now,
            ended_at_utc: (phase == AlertPhase::Ended).then_some(now),
            detail: detail.chars().take(MAX_DETAIL_CHARS).collect(),
        }
    }

    #[must_use]
    pub fn is_active(&self) -> bool {
        self.ended_at_utc.is_none()
    }

    /// What is told of it.
    #[must_use]
    pub fn notice(&self, phase: AlertPhase) -> AlertNotice {
        let Self { kind, began_at_utc, detail, .. } = self.clone();
        AlertNotice { kind, phase, began_at_utc, detail }
    }
}
