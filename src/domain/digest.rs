//! The morning mail: what came, what waits, what was refused, and the head of the hash chain.

use serde::{Deserialize, Serialize};

use crate::domain::timestamp::Timestamp;

/// What a morning mail says, without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// When the one before was made; `None` in the first one.
    pub since: Option<Timestamp>,
    /// Leads that arrived since.
    pub leads: i64,
    /// The same by service, the most first; `None` is without one.
    pub by_service: Vec<(Option<String>, i64)>,
    /// Leads whose status is `received`, and when the oldest of them arrived.
    pub waiting: i64,
    pub oldest_waiting: Option<Timestamp>,
    /// Submissions that were refused since.
    pub refused: i64,
    /// Alerts that last, by their kinds.
    pub alerts: Vec<String>,
    /// `seq` and hash of the newest audit row.
    pub head: String,
}
