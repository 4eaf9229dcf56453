//! The audit log: its events, who causes them, and its rows.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::domain::hash_chain::Sha256Hash;
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;

/// The actor of what the site sends.
pub const ACTOR_SITE: &str = "site_ingest";
/// The actor of requests to the admin page that no session belongs to.
pub const ACTOR_ADMIN_PAGE: &str = "admin_page";
/// The actor of what the server does by itself at set times.
pub const ACTOR_SCHEDULE: &str = "schedule";

/// The actor of notices that are sent.
pub const ACTOR_NOTIFIER: &str = "notifier";

/// The actor of a command: the operating system's name of the user who runs it.
#[must_use]
pub fn cli_actor(user: &str) -> String {
    format!("cli:{user}")
}

/// The actor of what a staff account does.
#[must_use]
pub fn staff_actor(account: &str) -> String {
    format!("staff:{account}")
}

macro_rules! audit_events {
    ($($event:ident => $name:literal,)+) => {
        /// The events of the audit log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuditEvent {
            $($event,)+
        }

        impl AuditEvent {
            pub const ALL: &[Self] = &[$(Self::$event,)+];

            /// The stored name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)+
                }
            }
        }
    };
}

audit_events! {
    LeadReceived => "LEAD_RECEIVED",
    LeadDuplicate => "LEAD_DUPLICATE",
    LeadConflict => "LEAD_CONFLICT",
    LeadRejected => "LEAD_REJECTED",
    LeadProcessed => "LEAD_PROCESSED",
    LeadImported => "LEAD_IMPORTED",
    LeadViewed => "LEAD_VIEWED",
    RefusedViewed => "REFUSED_VIEWED",
    RefusedRetried => "REFUSED_RETRIED",
    RefusedPurged => "REFUSED_PURGED",
    RefusedErased => "REFUSED_ERASED",
    LeadsExported => "LEADS_EXPORTED",
    StaffInvited => "STAFF_INVITED",
    StaffAdded => "STAFF_ADDED",
    StaffRemoved => "STAFF_REMOVED",
    StaffPasswordReset => "STAFF_PASSWORD_RESET",
    StaffAccountChanged => "STAFF_ACCOUNT_CHANGED",
    StaffUnlocked => "STAFF_UNLOCKED",
    StaffSignedIn => "STAFF_SIGNED_IN",
    StaffSignedOut => "STAFF_SIGNED_OUT",
    StaffSignInRefused => "STAFF_SIGN_IN_REFUSED",
    LeadErased => "LEAD_ERASED",
    NoticeSent => "NOTICE_SENT",
    NoticeGivenUp => "NOTICE_GIVEN_UP",
    BackupTaken => "BACKUP_TAKEN",
    DatabaseMigrated => "DATABASE_MIGRATED",
    DatabaseRestored => "DATABASE_RESTORED",
}

impl Recorded<AuditEvent> {
    /// The stored name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(event) => event.as_str(),
            Self::Unknown(name) => name,
        }
    }
}

/// A text is not the name of an event that this binary knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the name of an audit event")]
pub struct UnknownEvent;

impl FromStr for AuditEvent {
    type Err = UnknownEvent;

    fn from_str(name: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.iter().copied().find(|event| event.as_str() == name).ok_or(UnknownEvent)
    }
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a lead is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureReason {
    Request,
    ConsentWithdrawn,
    Retention,
    Legal,
    Mistake,
    /// It was a canary.
    Canary,
    /// It had been erased before, and the restore of a backup brought it back.
    Restored,
}

impl fmt::Display for ErasureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ErasureReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl ErasureReason {
    /// The reasons that a person may give.
    pub const GIVEN: [Self; 5] =
        [Self::Request, Self::ConsentWithdrawn, Self::Retention, Self::Legal, Self::Mistake];
    /// Those that the server records by itself.
    const OWN: [Self; 2] = [Self::Canary, Self::Restored];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Retention => "retention",
            Self::Legal => "legal",
            Self::Mistake => "mistake",
            Self::Canary => "canary",
            Self::Restored => "restored",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::GIVEN.into_iter().chain(Self::OWN).find(|r| r.as_str() == text)
    }
}

/// A row that is about to be appended; the writer adds its `seq`, id, time and hash.
#[derive(Debug, Clone)]
pub struct NewAuditRow<'a> {
    pub event: AuditEvent,
    pub actor: &'a str,
    pub lead_id: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub status_code: Option<i64>,
    pub details_json: Option<&'a str>,
}

/// A stored row.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    pub seq: i64,
    pub id: String,
    pub created_at_utc: Recorded<Timestamp>,
    pub event: Recorded<AuditEvent>,
    pub actor: Option<String>,
    pub lead_id: Option<String>,
    pub request_id: Option<String>,
    pub status_code: Option<i64>,
    pub details_json: Option<String>,
    pub hash: String,
}

impl AuditRow {
    /// The columns, in the order of the table.
    pub const COLUMNS: [&str; 10] = [
        "seq",
        "id",
        "created_at_utc",
        "event",
        "actor",
        "lead_id",
        "request_id",
        "status_code",
        "details_json",
        "hash",
    ];

    /// The details as JSON; `null` if there are none.
    #[must_use]
    pub fn details(&self) -> serde_json::Value {
        let details = self.details_json.as_deref().unwrap_or("null");
        serde_json::from_str(details).unwrap_or_default()
    }

    /// The digest of the lead whose arrival the row records.
    #[must_use]
    pub fn lead_digest(&self) -> Option<Sha256Hash> {
        #[derive(serde::Deserialize)]
        struct Arrival {
            lead_digest: String,
        }
        let arrival: Arrival = serde_json::from_str(self.details_json.as_deref()?).ok()?;
        Sha256Hash::parse(&arrival.lead_digest)
    }
}
