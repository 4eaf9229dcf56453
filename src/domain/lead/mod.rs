//! Leads: as they are about to be stored, and as they are read.

pub(crate) mod field_reader;
pub(crate) mod ip_address;
pub mod parse;
pub mod postgres_row;
pub mod status;
pub(crate) mod text_limits;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::email::Email;
use crate::domain::hash_chain::{LeadDigestInput, Sha256Hash};
use crate::domain::id::RequestId;
use crate::domain::language::Language;
use crate::domain::lead::status::LeadStatus;
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;

/// The `source` of the submissions of `fastcore canary`.
pub const CANARY_SOURCE: &str = "canary";

/// The company's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadService {
    Ponts,
    Cabines,
    Compresseurs,
    Diagnostic,
    Autre,
}

impl LeadService {
    pub const ALL: [Self; 5] =
        [Self::Ponts, Self::Cabines, Self::Compresseurs, Self::Diagnostic, Self::Autre];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ponts => "ponts",
            Self::Cabines => "cabines",
            Self::Compresseurs => "compresseurs",
            Self::Diagnostic => "diagnostic",
            Self::Autre => "autre",
        }
    }

    /// Its names in French and in English, as the admin page shows them: leads are searched with both.
    #[must_use]
    pub fn names(self) -> &'static str {
        match self {
            Self::Ponts => "Ponts, Lifts",
            Self::Cabines => "Cabines, Spray booths",
            Self::Compresseurs => "Compresseurs, Compressors",
            Self::Diagnostic => "Diagnostic, Diagnostics",
            Self::Autre => "Autre, Other",
        }
    }

    /// Its name in one language.
    #[must_use]
    pub fn label(self, language: Language) -> &'static str {
        language.pick(self.names().split_once(", ").unwrap_or_default().into())
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for LeadService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for LeadService {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A valid lead. Its only constructor is [`NewLead::parse`].
#[derive(Debug, Clone)]
pub struct NewLead {
    pub(crate) name: Personal,
    pub(crate) email: Email,
    pub(crate) phone: Option<Personal>,
    pub(crate) company: Option<Personal>,
    pub(crate) service: Option<LeadService>,
    pub(crate) message: Personal,
    pub(crate) consent: bool,
    pub(crate) source: String,
    pub(crate) request_id: RequestId,
    pub(crate) ip_hash: String,
    pub(crate) meta_json: String,
}

impl NewLead {
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    #[must_use]
    pub fn email(&self) -> &Email {
        &self.email
    }

    #[must_use]
    pub fn phone(&self) -> Option<&str> {
        self.phone.as_ref().map(Personal::as_str)
    }

    #[must_use]
    pub fn company(&self) -> Option<&str> {
        self.company.as_ref().map(Personal::as_str)
    }

    #[must_use]
    pub fn service(&self) -> Option<LeadService> {
        self.service
    }

    #[must_use]
    pub fn message(&self) -> &str {
        self.message.as_str()
    }

    #[must_use]
    pub fn consent(&self) -> bool {
        self.consent
    }

    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.request_id
    }

    #[must_use]
    pub fn ip_hash(&self) -> &str {
        &self.ip_hash
    }

    /// `user_agent_hash` and `timestamp_utc` as a JSON object.
    #[must_use]
    pub fn meta_json(&self) -> &str {
        &self.meta_json
    }
}

/// Who opened a lead on the admin page, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadView {
    /// The actor in the audit log.
    pub actor: String,
    pub at_utc: Timestamp,
}

/// The first and the last time that a lead was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadViews {
    pub first: LeadView,
    pub last: LeadView,
}

/// A lead as stored, with its present status.
#[derive(Debug, Clone)]
pub struct Lead {
    /// The `seq` of the audit row of its arrival.
    pub audit_seq: i64,
    pub id: String,
    pub created_at_utc: Timestamp,
    pub name: Personal,
    pub email: Personal,
    pub phone: Option<Personal>,
    pub company: Option<Personal>,
    pub service: Option<LeadService>,
    pub message: Personal,
    pub consent: bool,
    pub source: String,
    pub request_id: String,
    pub ip_hash: String,
    pub meta_json: Option<String>,
    pub status: LeadStatus,
    pub salt: Vec<u8>,
    /// `None` while nobody has opened it.
    pub views: Option<LeadViews>,
}

impl Lead {
    /// The columns of exports and imports, in the order of the PostgreSQL service's table.
    pub const COLUMNS: [&str; 14] = [
        "id",
        "created_at_utc",
        "name",
        "email",
        "phone",
        "company",
        "service",
        "message",
        "consent",
        "source",
        "request_id",
        "ip_hash",
        "meta_json",
        "status",
    ];

    /// Whether it is a test that the site or `fastcore canary` has sent.
    #[must_use]
    pub fn is_canary(&self) -> bool {
        self.source == CANARY_SOURCE
    }

    /// The digest of the lead as it is stored.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        LeadDigestInput {
            salt: &self.salt,
            id: self.id.as_str(),
            created_at_utc: &self.created_at_utc.to_string(),
            name: self.name.as_str(),
            email: self.email.as_str(),
            phone: self.phone.as_ref().map(Personal::as_str),
            company: self.company.as_ref().map(Personal::as_str),
            service: self.service.map(LeadService::as_str),
            message: self.message.as_str(),
            consent: self.consent,
            source: &self.source,
            request_id: &self.request_id,
            ip_hash: &self.ip_hash,
            meta_json: self.meta_json.as_deref(),
        }
        .digest()
    }

    /// The names of the fields in which a submission with the same `request_id` differs. The hashes and
    /// the time of the submission are not compared: they may differ in a retry.
    #[must_use]
    pub fn differences(&self, new: &NewLead) -> Vec<&'static str> {
        let optional =
            |text: &Option<Personal>, new: Option<&str>| text.as_ref().map(Personal::as_str) != new;
        [
            ("name", self.name.as_str() != new.name()),
            ("email", self.email.as_str() != new.email().as_str()),
            ("phone", optional(&self.phone, new.phone())),
            ("company", optional(&self.company, new.company())),
            ("service", self.service != new.service()),
            ("message", self.message.as_str() != new.message()),
            ("consent", self.consent != new.consent()),
            ("meta.source", self.source != new.source()),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}
