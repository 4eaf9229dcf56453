//! Parses the body of a submission into a valid lead, or into every error that it has.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::email::Email;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::id::RequestId;
use crate::domain::lead::field_reader::FieldReader;
use crate::domain::lead::text_limits::{COMPANY, MESSAGE, NAME, PHONE, SOURCE, USER_AGENT_HASH};
use crate::domain::lead::{LeadService, NewLead};
use crate::domain::strict_json;
use crate::domain::strict_json::{JsonObject, Value};
use crate::domain::text::Personal;

const BODY_KEYS: [&str; 8] =
    ["name", "email", "phone", "company", "service", "message", "consent", "meta"];
const META_KEYS: [&str; 5] =
    ["source", "request_id", "ip_hash", "user_agent_hash", "timestamp_utc"];

/// Why a body is not a lead.
#[derive(Debug)]
pub enum LeadParseError {
    /// Not JSON in UTF-8; the text says where, and quotes nothing.
    NotJson(String),
    /// JSON, but not a valid lead.
    Invalid {
        errors: Vec<FieldError>,
        /// The submission's id, if it is valid.
        request_id: Option<RequestId>,
    },
}

impl NewLead {
    /// Parses the body of a request.
    ///
    /// # Errors
    /// [`LeadParseError`]: the body is not JSON, or every error that it has as a lead.
    pub fn parse(body: &[u8]) -> Result<Self, LeadParseError> {
        let text = std::str::from_utf8(body).map_err(|e| {
            LeadParseError::NotJson(format!("The body is not UTF-8 at byte {}", e.valid_up_to()))
        })?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| not_json(&e))?;
        let Value::Object(object) = strict_json::value(raw) else {
            let mut errors = FieldErrors::default();
            errors.add(&["body"], "model_type", "Input should be a valid object");
            return Err(LeadParseError::Invalid { errors: errors.into_vec(), request_id: None });
        };
        let object = JsonObject::read(object).map_err(|e| not_json(&e))?;
        Self::read(object)
    }

    fn read(object: JsonObject<'_>) -> Result<Self, LeadParseError> {
        let mut errors = FieldErrors::default();
        let fields = ValidFields::read(object, &mut errors);
        let request_id = fields.meta.as_ref().and_then(|meta| meta.request_id);
        match fields.into_lead() {
            Some(lead) if errors.is_empty() => Ok(lead),
            _ => Err(LeadParseError::Invalid { errors: errors.into_vec(), request_id }),
        }
    }
}

/// The fields of a body that are valid, by their paths, whatever else is wrong with it.
#[must_use]
pub fn valid_fields(body: &[u8]) -> Vec<(&'static str, String)> {
    let object = std::str::from_utf8(body).ok().and_then(|text| JsonObject::read(text).ok());
    let Some(object) = object else { return Vec::new() };
    ValidFields::read(object, &mut FieldErrors::default()).into_texts()
}

/// The fields of a body that are valid.
struct ValidFields {
    name: Option<String>,
    email: Option<Email>,
    phone: Option<String>,
    company: Option<String>,
    service: Option<LeadService>,
    message: Option<String>,
    consent: Option<bool>,
    meta: Option<Meta>,
}

impl ValidFields {
    fn read(object: JsonObject<'_>, errors: &mut FieldErrors) -> Self {
        let body = FieldReader { object, path: &["body"] };
        let fields = Self {
            name: body.required("name", NAME, errors),
            email: body.email(errors),
            phone: body.optional("phone", PHONE, errors),
            company: body.optional("company", COMPANY, errors),
            service: body.service(errors),
            message: body.required("message", MESSAGE, errors),
            consent: body.boolean("consent", errors),
            meta: Meta::read(&body, errors),
        };
        body.check_others(&BODY_KEYS, errors);
        fields
    }

    /// The lead, if no required field is missing.
    fn into_lead(self) -> Option<NewLead> {
        let meta = self.meta?;
        Some(NewLead {
            name: Personal::new(self.name?),
            email: self.email?,
            phone: self.phone.map(Personal::new),
            company: self.company.map(Personal::new),
            service: self.service,
            message: Personal::new(self.message?),
            consent: self.consent?,
            meta_json: meta.stored_json()?,
            source: meta.source?,
            request_id: meta.request_id?,
            ip_hash: meta.ip_hash?,
        })
    }

    fn into_texts(self) -> Vec<(&'static str, String)> {
        let meta = self.meta.as_ref();
        let of_meta = |field: fn(&Meta) -> Option<String>| meta.and_then(field);
        let fields = [
            ("name", self.name),
            ("email", self.email.map(|email| email.as_str().to_owned())),
            ("phone", self.phone),
            ("company", self.company),
            ("service", self.service.map(|service| service.to_string())),
            ("message", self.message),
            ("consent", self.consent.map(|consent| consent.to_string())),
            ("meta.source", of_meta(|meta| meta.source.clone())),
            ("meta.request_id", of_meta(|meta| meta.request_id.map(|id| id.to_string()))),
            ("meta.ip_hash", of_meta(|meta| meta.ip_hash.clone())),
            ("meta.user_agent_hash", of_meta(|meta| meta.user_agent_hash.clone())),
            ("meta.timestamp_utc", of_meta(|meta| meta.timestamp_utc.clone())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The fields of the `meta` object that are valid.
struct Meta {
    source: Option<String>,
    request_id: Option<RequestId>,
    ip_hash: Option<String>,
    user_agent_hash: Option<String>,
    timestamp_utc: Option<String>,
}

impl Meta {
    fn read(body: &FieldReader<'_>, errors: &mut FieldErrors) -> Option<Self> {
        let object = match body.value("meta") {
            None => {
                body.report(errors, "meta", "missing", "Field required");
                return None;
            }
            Some(Value::Object(text)) => JsonObject::read(text).ok(),
            Some(_) => None,
        };
        let Some(object) = object else {
            body.report(errors, "meta", "model_type", "Input should be a valid object");
            return None;
        };
        let fields = FieldReader { object, path: &["body", "meta"] };
        let meta = Self {
            source: fields.required("source", SOURCE, errors),
            request_id: fields.request_id(errors),
            ip_hash: fields.ip_hash(errors),
            user_agent_hash: fields.optional("user_agent_hash", USER_AGENT_HASH, errors),
            timestamp_utc: fields.timestamp(errors),
        };
        fields.check_others(&META_KEYS, errors);
        Some(meta)
    }

    fn stored_json(&self) -> Option<String> {
        #[derive(Serialize)]
        struct Stored<'a> {
            user_agent_hash: Option<&'a str>,
            timestamp_utc: &'a str,
        }
        let stored = Stored {
            user_agent_hash: self.user_agent_hash.as_deref(),
            timestamp_utc: self.timestamp_utc.as_deref()?,
        };
        serde_json::to_string(&stored).ok()
    }
}

/// Says where the JSON is wrong, without quoting it.
fn not_json(error: &serde_json::Error) -> LeadParseError {
    LeadParseError::NotJson(if error.is_eof() {
        "The body ends before the JSON does".to_owned()
    } else {
        format!("The body is not JSON at line {} column {}", error.line(), error.column())
    })
}
