//! What the audit log says: the events, who did them, and how a row is read back.

use serde::Serialize;

use crate::domain::hash_chain::{ChainEntry, Sha256Hash};

/// The events of the audit log by their stored names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditEvent {
    LeadReceived,
    LeadDuplicate,
    LeadConflict,
    LeadRejected,
    LeadProcessed,
    LeadImported,
    LeadViewed,
    LeadsExported,
    StaffAdded,
    StaffRemoved,
    StaffPasswordReset,
    StaffSignedIn,
    StaffSignedOut,
    StaffSignInRefused,
    LeadErased,
    BackupTaken,
    DatabaseMigrated,
    DatabaseRestored,
}

impl AuditEvent {
    pub const ALL: [Self; 18] = [
        Self::LeadReceived,
        Self::LeadDuplicate,
        Self::LeadConflict,
        Self::LeadRejected,
        Self::LeadProcessed,
        Self::LeadImported,
        Self::LeadViewed,
        Self::LeadsExported,
        Self::StaffAdded,
        Self::StaffRemoved,
        Self::StaffPasswordReset,
        Self::StaffSignedIn,
        Self::StaffSignedOut,
        Self::StaffSignInRefused,
        Self::LeadErased,
        Self::BackupTaken,
        Self::DatabaseMigrated,
        Self::DatabaseRestored,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeadReceived => "LEAD_RECEIVED",
            Self::LeadDuplicate => "LEAD_DUPLICATE",
            Self::LeadConflict => "LEAD_CONFLICT",
            Self::LeadRejected => "LEAD_REJECTED",
            Self::LeadImported => "LEAD_IMPORTED",
            Self::LeadProcessed => "LEAD_PROCESSED",
            Self::LeadViewed => "LEAD_VIEWED",
            Self::LeadsExported => "LEADS_EXPORTED",
            Self::StaffAdded => "STAFF_ADDED",
            Self::StaffRemoved => "STAFF_REMOVED",
            Self::StaffPasswordReset => "STAFF_PASSWORD_RESET",
            Self::StaffSignedIn => "STAFF_SIGNED_IN",
            Self::StaffSignedOut => "STAFF_SIGNED_OUT",
            Self::StaffSignInRefused => "STAFF_SIGN_IN_REFUSED",
            Self::LeadErased => "LEAD_ERASED",
            Self::BackupTaken => "BACKUP_TAKEN",
            Self::DatabaseRestored => "DATABASE_RESTORED",
            Self::DatabaseMigrated => "DATABASE_MIGRATED",
        }
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
    /// It was erased before, and a backup brought it back.
    Restored,
}

impl ErasureReason {
    /// Those that a person may give.
    pub const GIVEN: [Self; 5] =
        [Self::Request, Self::ConsentWithdrawn, Self::Retention, Self::Legal, Self::Mistake];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Retention => "retention",
            Self::Legal => "legal",
            Self::Mistake => "mistake",
            Self::Restored => "restored",
        }
    }

    /// One of those that a person may give.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::GIVEN.into_iter().find(|r| r.as_str() == text)
    }
}

/// The actor of what the site does.
pub const ACTOR_SITE: &str = "site_ingest";
/// The actor of what somebody does at the admin page who is not signed in.
pub const ACTOR_ADMIN_PAGE: &str = "admin_page";

/// A row about to be written; its place, id, time and hash are given by the writer.
#[derive(Debug, Clone)]
pub struct NewAuditRow<'a> {
    pub event: AuditEvent,
    pub actor: &'a str,
    pub lead_id: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub status_code: Option<i64>,
    pub details_json: Option<&'a str>,
}

/// A row as stored.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    pub seq: i64,
    pub id: String,
    pub created_at_utc: String,
    pub event: String,
    pub actor: Option<String>,
    pub lead_id: Option<String>,
    pub request_id: Option<String>,
    pub status_code: Option<i64>,
    pub details_json: Option<String>,
    pub hash: String,
}

/// A row as it lies in the database, borrowed while it is read.
#[derive(Debug)]
pub struct RawChainEntry<'a> {
    pub link: ChainEntry<'a, [u8]>,
    pub hash: &'a [u8],
}

impl AuditRow {
    /// Its columns, in the order of the table.
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

    /// The details read; `null` where there are none.
    #[must_use]
    pub fn details(&self) -> serde_json::Value {
        let details = self.details_json.as_deref().unwrap_or("null");
        serde_json::from_str(details).unwrap_or_default()
    }

    /// The digest of the lead whose arrival the row tells of.
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
