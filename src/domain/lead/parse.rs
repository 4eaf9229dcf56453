//! A request's body read once into a lead that keeps every rule, or refused with every fault.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::email::Email;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::id::RequestId;
use crate::domain::lead::{LeadService, NewLead};
use crate::domain::strict_json;
use crate::domain::strict_json::{JsonIssue, Object, Value};
use crate::domain::text::{Personal, TextError, TextRule};

pub(crate) const NAME: TextRule = TextRule { min: 2, max: 80, multi_line: false };
pub(crate) const EMAIL: TextRule = TextRule { min: 0, max: 120, multi_line: false };
pub(crate) const PHONE: TextRule = TextRule { min: 0, max: 30, multi_line: false };
pub(crate) const COMPANY: TextRule = TextRule { min: 0, max: 120, multi_line: false };
const SERVICE: TextRule = TextRule { min: 0, max: 30, multi_line: false };
pub(crate) const MESSAGE: TextRule = TextRule { min: 20, max: 2000, multi_line: true };
pub(crate) const SOURCE: TextRule = TextRule { min: 1, max: 50, multi_line: false };
pub(crate) const IP_HASH: TextRule = TextRule { min: 1, max: 128, multi_line: false };
pub(crate) const USER_AGENT_HASH: TextRule = TextRule { min: 0, max: 128, multi_line: false };

/// Text whose own reader knows what it may be.
const ANY: TextRule = TextRule { min: 0, max: usize::MAX, multi_line: false };

const BODY_KEYS: [&str; 8] =
    ["name", "email", "phone", "company", "service", "message", "consent", "meta"];
const META_KEYS: [&str; 5] =
    ["source", "request_id", "ip_hash", "user_agent_hash", "timestamp_utc"];

/// Why a body is not a lead.
#[derive(Debug)]
pub enum LeadParseError {
    /// Not JSON in UTF-8; the sentence says where, and quotes nothing.
    NotJson(String),
    /// JSON, but not a valid lead.
    Invalid {
        faults: Vec<FieldError>,
        /// The submission's id, where it was valid.
        request_id: Option<RequestId>,
    },
}

impl NewLead {
    /// Reads a request's body.
    ///
    /// # Errors
    /// [`LeadParseError`]: the body is not JSON, or every fault that it has as a lead.
    pub fn parse(body: &[u8]) -> Result<Self, LeadParseError> {
        let text = std::str::from_utf8(body).map_err(|e| {
            LeadParseError::NotJson(format!("The body is not UTF-8 at byte {}", e.valid_up_to()))
        })?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| not_json(&e))?;
        let Value::Object(object) = strict_json::value(raw) else {
            let mut faults = FieldErrors::default();
            faults.add(&["body"], "model_type", "Input should be a valid object");
            return Err(LeadParseError::Invalid { faults: faults.into_vec(), request_id: None });
        };
        let object = Object::read(object).map_err(|e| not_json(&e))?;
        Self::read(object)
    }

    fn read(object: Object<'_>) -> Result<Self, LeadParseError> {
        let mut faults = FieldErrors::default();
        let body = FieldReader { object, path: &["body"] };
        let name = body.required("name", NAME, &mut faults);
        let email = body.email(&mut faults);
        let phone = body.optional("phone", PHONE, &mut faults);
        let company = body.optional("company", COMPANY, &mut faults);
        let service = body.service(&mut faults);
        let message = body.required("message", MESSAGE, &mut faults);
        let consent = body.boolean("consent", &mut faults);
        let meta = body.meta(&mut faults);
        body.check_rest(&BODY_KEYS, &mut faults);
        let lead = (|| {
            let (name, email, message, consent) = (name?, email?, message?, consent?);
            let meta = meta.as_ref()?;
            Some(Self {
                name: Personal::new(name),
                email,
                phone: phone.map(Personal::new),
                company: company.map(Personal::new),
                service,
                message: Personal::new(message),
                consent,
                source: meta.source.clone()?,
                request_id: meta.request_id?,
                ip_hash: meta.ip_hash.clone()?,
                meta_json: meta.stored_json()?,
            })
        })();
        match lead {
            Some(lead) if faults.is_empty() => Ok(lead),
            _ => Err(LeadParseError::Invalid {
                faults: faults.into_vec(),
                request_id: meta.and_then(|m| m.request_id),
            }),
        }
    }
}

/// The `meta` object as far as it could be read.
struct Meta {
    source: Option<String>,
    request_id: Option<RequestId>,
    ip_hash: Option<String>,
    user_agent_hash: Option<String>,
    timestamp_utc: Option<String>,
}

impl Meta {
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

/// One object of the body and where it stands.
struct FieldReader<'a> {
    object: Object<'a>,
    path: &'static [&'static str],
}

impl<'a> FieldReader<'a> {
    /// Reports repeated keys, and flaws in members that no field claims: last, so that however
    /// many there are, they hide no fault of a field.
    fn check_rest(&self, known: &[&str], faults: &mut FieldErrors) {
        let path = self.path;
        for key in self.object.repeated() {
            add_flaw(faults, &[path, &[key]].concat(), &JsonIssue::RepeatedKey);
        }
        for (key, raw) in self.object.members().filter(|(k, _)| !known.contains(k)) {
            let place = [path, &[key]].concat();
            if key.contains('\0') {
                add_flaw(faults, &place, &JsonIssue::Nul);
            }
            strict_json::inspect(raw, &place, &mut |p, flaw| add_flaw(faults, p, &flaw));
        }
    }

    fn fault(
        &self,
        faults: &mut FieldErrors,
        key: &str,
        kind: &'static str,
        msg: impl Into<String>,
    ) {
        faults.add(&[self.path, &[key]].concat(), kind, msg);
    }

    /// The member, or `None` when it is left out.
    fn value(&self, key: &str) -> Option<Value<'a>> {
        self.object.get(key).map(strict_json::value)
    }

    fn required(&self, key: &str, bounds: TextRule, faults: &mut FieldErrors) -> Option<String> {
        match self.value(key) {
            None => {
                self.fault(faults, key, "missing", "Field required");
                None
            }
            Some(value) => self.text(key, value, bounds, faults),
        }
    }

    /// `null` and blank are the same as leaving it out.
    fn optional(&self, key: &str, bounds: TextRule, faults: &mut FieldErrors) -> Option<String> {
        match self.value(key) {
            None | Some(Value::Null) => None,
            Some(value) => self.text(key, value, bounds, faults).filter(|t| !t.is_empty()),
        }
    }

    fn text(
        &self,
        key: &str,
        value: Value<'a>,
        bounds: TextRule,
        faults: &mut FieldErrors,
    ) -> Option<String> {
        let (kind, msg) = match value {
            Value::String(raw) => match bounds.check(&raw) {
                Ok(text) => return Some(text.to_owned()),
                Err(fault) => text_fault(fault),
            },
            Value::BrokenString => (
                "string_unicode",
                "Input should be a valid string: half a surrogate pair is not text".to_owned(),
            ),
            _ => ("string_type", "Input should be a valid string".to_owned()),
        };
        self.fault(faults, key, kind, msg);
        None
    }

    fn boolean(&self, key: &str, faults: &mut FieldErrors) -> Option<bool> {
        match self.value(key) {
            Some(Value::Bool(value)) => return Some(value),
            Some(_) => self.fault(faults, key, "bool_type", "Input should be true or false"),
            None => self.fault(faults, key, "missing", "Field required"),
        }
        None
    }

    fn email(&self, faults: &mut FieldErrors) -> Option<Email> {
        let text = self.required("email", EMAIL, faults)?;
        let email = match Email::parse(&text) {
            Ok(email) => email,
            Err(why) => {
                let msg = format!("Input should be a valid email address: {why}");
                self.fault(faults, "email", "value_error", msg);
                return None;
            }
        };
        // Lower case can be longer than what was typed; the stored text keeps the limit too.
        match EMAIL.check(email.as_str()) {
            Ok(_) => Some(email),
            Err(fault) => {
                let (kind, msg) = text_fault(fault);
                self.fault(faults, "email", kind, msg);
                None
            }
        }
    }

    fn service(&self, faults: &mut FieldErrors) -> Option<LeadService> {
        let text = self.optional("service", SERVICE, faults)?;
        let service = LeadService::parse(&text);
        if service.is_none() {
            let msg = "Input should be 'ponts', 'cabines', 'compresseurs', 'diagnostic' or 'autre'";
            self.fault(faults, "service", "enum", msg);
        }
        service
    }

    fn meta(&self, faults: &mut FieldErrors) -> Option<Meta> {
        let object = match self.value("meta") {
            None => {
                self.fault(faults, "meta", "missing", "Field required");
                return None;
            }
            Some(Value::Object(text)) => Object::read(text).ok(),
            Some(_) => None,
        };
        let Some(object) = object else {
            self.fault(faults, "meta", "model_type", "Input should be a valid object");
            return None;
        };
        let section = FieldReader { object, path: &["body", "meta"] };
        let meta = Meta {
            source: section.required("source", SOURCE, faults),
            request_id: section.request_id(faults),
            ip_hash: section.required("ip_hash", IP_HASH, faults),
            user_agent_hash: section.optional("user_agent_hash", USER_AGENT_HASH, faults),
            timestamp_utc: section.timestamp(faults),
        };
        section.check_rest(&META_KEYS, faults);
        Some(meta)
    }

    fn request_id(&self, faults: &mut FieldErrors) -> Option<RequestId> {
        let text = self.required("request_id", ANY, faults)?;
        let id = RequestId::parse(&text);
        if id.is_none() {
            let msg =
                "Input should be a UUID with hyphens, such as f47ac10b-58cc-4372-a567-0e02b2c3d479";
            self.fault(faults, "request_id", "uuid_parsing", msg);
        }
        id
    }

    fn timestamp(&self, faults: &mut FieldErrors) -> Option<String> {
        let text = self.required("timestamp_utc", ANY, faults)?;
        let moment = moment(&text);
        if moment.is_none() {
            let msg =
                "Input should be an RFC 3339 date and time, such as 2024-01-03T10:30:45.123456Z";
            self.fault(faults, "timestamp_utc", "datetime_parsing", msg);
        }
        moment.map(|m| m.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// RFC 3339; without an offset it is UTC. The year stays within four digits in UTC too.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    // chrono takes U+2212 for the minus of an offset; RFC 3339 is ASCII.
    if !text.is_ascii() {
        return None;
    }
    let moment = match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => moment.to_utc(),
        Err(_) => DateTime::parse_from_rfc3339(&format!("{text}Z")).ok()?.to_utc(),
    };
    (0..=9999).contains(&moment.year()).then_some(moment)
}

fn text_fault(fault: TextError) -> (&'static str, String) {
    let characters =
        |n: usize| if n == 1 { "1 character".to_owned() } else { format!("{n} characters") };
    match fault {
        TextError::TooShort(min) => {
            ("string_too_short", format!("String should have at least {}", characters(min)))
        }
        TextError::TooLong(max) => {
            ("string_too_long", format!("String should have at most {}", characters(max)))
        }
        TextError::Nul => ("string_nul", "String should not contain NUL".to_owned()),
        TextError::Control(c) => (
            "string_control_character",
            format!(
                "String should be one line without control characters, and has U+{:04X}",
                u32::from(c)
            ),
        ),
    }
}

fn add_flaw(faults: &mut FieldErrors, path: &[&str], flaw: &JsonIssue) {
    let (kind, msg) = match flaw {
        JsonIssue::RepeatedKey => ("duplicate_key", "Key stands more than once"),
        JsonIssue::Nul => ("string_nul", "String should not contain NUL"),
        JsonIssue::TooDeep => ("too_deep", "Objects and arrays are nested too deeply"),
        JsonIssue::NotUnicode => {
            ("string_unicode", "Input should be a valid string: half a surrogate pair is not text")
        }
    };
    faults.add(path, kind, msg);
}

/// Where the JSON breaks off, without any of it.
fn not_json(error: &serde_json::Error) -> LeadParseError {
    LeadParseError::NotJson(if error.is_eof() {
        "The body ends before the JSON does".to_owned()
    } else {
        format!("The body is not JSON at line {} column {}", error.line(), error.column())
    })
}
