//! The status of a lead in the team's work.

use std::fmt;

use serde::{Serialize, Serializer};

/// A lead's status. The lead's row has the status at intake; changes are audit rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadStatus {
    Received,
    Processing,
    Resolved,
    Archived,
}

impl LeadStatus {
    pub const ALL: [Self; 4] = [Self::Received, Self::Processing, Self::Resolved, Self::Archived];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processing => "processing",
            Self::Resolved => "resolved",
            Self::Archived => "archived",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for LeadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for LeadStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
