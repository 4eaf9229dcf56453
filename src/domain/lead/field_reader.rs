//! Reads the fields of a JSON object and collects what is wrong with them.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

use crate::domain::email::Email;
use crate::domain::field_error::FieldErrors;
use crate::domain::id::RequestId;
use crate::domain::lead::LeadService;
use crate::domain::lead::ip_address::contains_ip_address;
use crate::domain::lead::text_limits::{ANY, EMAIL, IP_HASH, SERVICE};
use crate::domain::strict_json;
use crate::domain::strict_json::{JsonIssue, JsonObject, Value};
use crate::domain::text::{TextError, TextRule};

/// One object of the body, and its path.
pub(crate) struct FieldReader<'a> {
    pub(crate) object: JsonObject<'a>,
    pub(crate) path: &'static [&'static str],
}

impl<'a> FieldReader<'a> {
    /// Reports repeated keys, and what no JSON may contain in members that are not fields. To be called
    /// last, so that however many there are, they do not displace the errors of fields.
    pub(crate) fn check_others(&self, known: &[&str], errors: &mut FieldErrors) {
        let path = self.path;
        for key in self.object.repeated() {
            add_issue(errors, &[path, &[key]].concat(), &JsonIssue::RepeatedKey);
        }
        for (key, raw) in self.object.members().filter(|(k, _)| !known.contains(k)) {
            let member = [path, &[key]].concat();
            if key.contains('\0') {
                add_issue(errors, &member, &JsonIssue::Nul);
            }
            strict_json::inspect(raw, &member, &mut |p, issue| add_issue(errors, p, &issue));
        }
    }

    pub(crate) fn report(
        &self,
        errors: &mut FieldErrors,
        key: &str,
        kind: &'static str,
        msg: impl Into<String>,
    ) {
        errors.add(&[self.path, &[key]].concat(), kind, msg);
    }

    /// The member; `None` if it is absent.
    pub(crate) fn value(&self, key: &str) -> Option<Value<'a>> {
        self.object.get(key).map(strict_json::value)
    }

    pub(crate) fn required(
        &self,
        key: &str,
        rule: TextRule,
        errors: &mut FieldErrors,
    ) -> Option<String> {
        match self.value(key) {
            None => {
                self.report(errors, key, "missing", "Field required");
                None
            }
            Some(value) => self.text(key, value, rule, errors),
        }
    }

    /// `null` and a blank text are the same as no value.
    pub(crate) fn optional(
        &self,
        key: &str,
        rule: TextRule,
        errors: &mut FieldErrors,
    ) -> Option<String> {
        match self.value(key) {
            None | Some(Value::Null) => None,
            Some(value) => self.text(key, value, rule, errors).filter(|t| !t.is_empty()),
        }
    }

    fn text(
        &self,
        key: &str,
        value: Value<'a>,
        rule: TextRule,
        errors: &mut FieldErrors,
    ) -> Option<String> {
        let (kind, msg) = match value {
            Value::String(raw) => match rule.check(&raw) {
                Ok(text) => return Some(text.to_owned()),
                Err(error) => describe(error),
            },
            Value::BrokenString => (
                "string_unicode",
                "Input should be a valid string: half a surrogate pair is not text".to_owned(),
            ),
            _ => ("string_type", "Input should be a valid string".to_owned()),
        };
        self.report(errors, key, kind, msg);
        None
    }

    pub(crate) fn boolean(&self, key: &str, errors: &mut FieldErrors) -> Option<bool> {
        match self.value(key) {
            Some(Value::Bool(value)) => return Some(value),
            Some(_) => self.report(errors, key, "bool_type", "Input should be true or false"),
            None => self.report(errors, key, "missing", "Field required"),
        }
        None
    }

    pub(crate) fn email(&self, errors: &mut FieldErrors) -> Option<Email> {
        let text = self.required("email", EMAIL, errors)?;
        let email = match Email::parse(&text) {
            Ok(email) => email,
            Err(reason) => {
                let msg = format!("Input should be a valid email address: {reason}");
                self.report(errors, "email", "value_error", msg);
                return None;
            }
        };
        // Lower case can be longer than what was sent; the stored text is within the limit too.
        match EMAIL.check(email.as_str()) {
            Ok(_) => Some(email),
            Err(error) => {
                let (kind, msg) = describe(error);
                self.report(errors, "email", kind, msg);
                None
            }
        }
    }

    pub(crate) fn service(&self, errors: &mut FieldErrors) -> Option<LeadService> {
        let text = self.optional("service", SERVICE, errors)?;
        let service = LeadService::parse(&text);
        if service.is_none() {
            let msg = "Input should be 'ponts', 'cabines', 'compresseurs', 'diagnostic' or 'autre'";
            self.report(errors, "service", "enum", msg);
        }
        service
    }

    pub(crate) fn request_id(&self, errors: &mut FieldErrors) -> Option<RequestId> {
        let text = self.required("request_id", ANY, errors)?;
        let id = RequestId::parse(&text);
        if id.is_none() {
            let msg =
                "Input should be a UUID with hyphens, such as f47ac10b-58cc-4372-a567-0e02b2c3d479";
            self.report(errors, "request_id", "uuid_parsing", msg);
        }
        id
    }

    pub(crate) fn ip_hash(&self, errors: &mut FieldErrors) -> Option<String> {
        let text = self.required("ip_hash", IP_HASH, errors)?;
        if contains_ip_address(&text) {
            let msg = "Input should be a hash of the IP address, and is an IP address";
            self.report(errors, "ip_hash", "ip_address", msg);
            return None;
        }
        Some(text)
    }

    pub(crate) fn timestamp(&self, errors: &mut FieldErrors) -> Option<String> {
        let text = self.required("timestamp_utc", ANY, errors)?;
        let time = timestamp(&text);
        if time.is_none() {
            let msg =
                "Input should be an RFC 3339 date and time, such as 2024-01-03T10:30:45.123456Z";
            self.report(errors, "timestamp_utc", "datetime_parsing", msg);
        }
        time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// Parses RFC 3339; without an offset it is UTC. The year must have four digits in UTC too.
fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    // chrono accepts U+2212 as the minus of an offset; RFC 3339 is ASCII.
    if !text.is_ascii() {
        return None;
    }
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => DateTime::parse_from_rfc3339(&format!("{text}Z")).ok()?.to_utc(),
    };
    (0..=9999).contains(&time.year()).then_some(time)
}

fn describe(error: TextError) -> (&'static str, String) {
    let characters =
        |n: usize| if n == 1 { "1 character".to_owned() } else { format!("{n} characters") };
    match error {
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

fn add_issue(errors: &mut FieldErrors, path: &[&str], issue: &JsonIssue) {
    let (kind, msg) = match issue {
        JsonIssue::RepeatedKey => ("duplicate_key", "Key appears more than once"),
        JsonIssue::Nul => ("string_nul", "String should not contain NUL"),
        JsonIssue::TooDeep => ("too_deep", "Objects and arrays are nested too deeply"),
        JsonIssue::NotUnicode => {
            ("string_unicode", "Input should be a valid string: half a surrogate pair is not text")
        }
    };
    errors.add(path, kind, msg);
}
