//! Why a notice could not be sent.

use std::time::Duration;

/// Texts are for the log and the database: they contain no address and nothing of a lead.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SendError {
    /// The receiver does not work now: another notice would fail as well.
    #[error("{error}")]
    Unavailable { error: String, retry_after: Option<Duration> },
    /// The receiver refuses this notice.
    #[error("{0}")]
    Refused(String),
    /// The receiver wants nothing more.
    #[error("{0}")]
    Gone(String),
}

impl SendError {
    pub(crate) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable { error: error.to_string(), retry_after: None }
    }

    pub(crate) fn late(limit: Duration) -> Self {
        Self::unavailable(format!("no answer within {} s", limit.as_secs()))
    }
}
