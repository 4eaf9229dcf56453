//! Parses rows of the PostgreSQL service that FASTCore replaces. Its rules were wider than those of the
//! intake: what it stored is accepted if the table can store it.

use std::borrow::Cow;

use serde_json::value::RawValue;
use thiserror::Error;

use crate::domain::email::Email;
use crate::domain::id::{LeadId, RequestId};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{CANARY_SOURCE, Lead, LeadService};
use crate::domain::strict_json;
use crate::domain::strict_json::{JsonObject, Value};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;

/// A lead with the ids, the time and the status that it had there.
#[derive(Debug, Clone)]
pub struct ImportedLead {
    pub id: LeadId,
    pub created_at_utc: Timestamp,
    pub name: Personal,
    pub email: Personal,
    pub phone: Option<Personal>,
    pub company: Option<Personal>,
    pub service: Option<LeadService>,
    pub message: Personal,
    pub consent: bool,
    pub source: String,
    pub request_id: RequestId,
    pub ip_hash: String,
    pub meta_json: Option<String>,
    pub status: LeadStatus,
}

/// Why a row is refused. It quotes nothing of the row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct RowError(pub Cow<'static, str>);

impl RowError {
    fn new(column: &str, reason: &str) -> Self {
        Self(format!("{column}: {reason}").into())
    }
}

/// The values of a row in the order of [`Lead::COLUMNS`], not yet parsed; an empty one is `NULL`.
type Values<'a> = [Option<Cow<'a, str>>; Lead::COLUMNS.len()];

impl ImportedLead {
    /// Parses values in the order of [`Lead::COLUMNS`]; an empty one is `NULL`.
    ///
    /// # Errors
    /// [`RowError`]: the first value that the table cannot store.
    pub fn from_columns<'a>(value: impl Fn(usize) -> &'a str) -> Result<Self, RowError> {
        Self::read(&std::array::from_fn(|i| Some(Cow::Borrowed(value(i)))))
    }

    /// Parses a JSON object whose keys are [`Lead::COLUMNS`], as PostgreSQL's `row_to_json` writes it.
    ///
    /// # Errors
    /// [`RowError`]: it is not such an object, or the first value that the table cannot store.
    pub fn from_json(text: &str) -> Result<Self, RowError> {
        let object = JsonObject::read(text).map_err(|_| RowError("not a JSON object".into()))?;
        if !object.repeated().is_empty() {
            return Err(RowError("a key appears more than once".into()));
        }
        let mut values = Values::default();
        for (value, column) in values.iter_mut().zip(Lead::COLUMNS) {
            let Some(raw) = object.get(column) else { continue };
            *value = match strict_json::value(raw) {
                Value::Null => None,
                Value::Bool(value) => Some(if value { "true" } else { "false" }.into()),
                Value::String(text) => Some(text),
                Value::Object(text) if column == "meta_json" => Some(text.into()),
                _ => return Err(RowError::new(column, "neither text nor true, false or null")),
            };
        }
        Self::read(&values)
    }

    fn read(values: &Values<'_>) -> Result<Self, RowError> {
        let row = LegacyRow(values);
        let personal = |text: Option<&str>| text.map(Personal::new);
        Ok(Self {
            id: row.parsed("id", UUID, LeadId::parse)?,
            created_at_utc: row.parsed("created_at_utc", TIME, Timestamp::parse_postgres)?,
            name: Personal::new(row.required("name", 80)?),
            email: row.email()?,
            phone: personal(row.text("phone", 30)?),
            company: personal(row.text("company", 120)?),
            service: match row.text("service", 30)? {
                None => None,
                Some(_) => Some(row.parsed("service", SERVICE, LeadService::parse)?),
            },
            message: Personal::new(row.required("message", 2000)?),
            consent: row.parsed("consent", "neither t nor f", parse_bool)?,
            source: row.source()?,
            request_id: row.parsed("request_id", UUID, RequestId::parse)?,
            ip_hash: row.required("ip_hash", 128)?.to_owned(),
            meta_json: row.meta_json()?,
            status: match row.text("status", 20)? {
                None => LeadStatus::Received,
                Some(_) => row.parsed("status", STATUS, LeadStatus::parse)?,
            },
        })
    }
}

const UUID: &str = "not a UUID with hyphens";
const TIME: &str = "not a time such as 2026-01-03 10:30:45.123456+00";
const SERVICE: &str = "none of ponts, cabines, compresseurs, diagnostic, autre";
const STATUS: &str = "none of received, processing, resolved, archived";
const MISSING: &str = "missing";

struct LegacyRow<'a>(&'a Values<'a>);

impl<'a> LegacyRow<'a> {
    /// The trimmed text, as the intake stores it; a blank one is `NULL`.
    fn text(&self, column: &str, max: usize) -> Result<Option<&'a str>, RowError> {
        let index = Lead::COLUMNS.iter().position(|c| *c == column);
        let value = index.and_then(|index| self.0[index].as_deref()).unwrap_or("").trim();
        if value.contains('\0') {
            return Err(RowError::new(column, "it has a NUL"));
        }
        if value.chars().nth(max).is_some() {
            return Err(RowError::new(column, &format!("longer than {max} characters")));
        }
        Ok(Some(value).filter(|v| !v.is_empty()))
    }

    fn required(&self, column: &str, max: usize) -> Result<&'a str, RowError> {
        self.text(column, max)?.ok_or_else(|| RowError::new(column, MISSING))
    }

    /// A canary that is imported would be erased after a day.
    fn source(&self) -> Result<String, RowError> {
        let source = self.required("source", 50)?;
        match source == CANARY_SOURCE {
            true => Err(RowError::new("source", "a canary, which is no lead")),
            false => Ok(source.to_owned()),
        }
    }

    fn parsed<T>(
        &self,
        column: &str,
        reason: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RowError> {
        parse(self.required(column, 64)?).ok_or_else(|| RowError::new(column, reason))
    }

    /// The address with its domain in lower case, as the intake stores it. One that the intake would
    /// refuse is stored as it is.
    fn email(&self) -> Result<Personal, RowError> {
        let text = self.required("email", 120)?;
        let normal = Email::parse(text).ok().map(|email| email.as_str().to_owned());
        Ok(Personal::new(normal.filter(|n| n.chars().count() <= 120).unwrap_or(text.to_owned())))
    }

    /// The text as it is. SQLAlchemy writes JSON's `null` if there is none.
    fn meta_json(&self) -> Result<Option<String>, RowError> {
        let column = "meta_json";
        let Some(text) = self.text(column, usize::MAX)?.filter(|t| *t != "null") else {
            return Ok(None);
        };
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|_| RowError::new(column, "not JSON"))?;
        let mut is_valid = true;
        strict_json::inspect(raw, &[column], &mut |_, _| is_valid = false);
        let reason = "it has a NUL, a repeated key, half a character, or is nested too deeply";
        is_valid.then(|| Some(text.to_owned())).ok_or_else(|| RowError::new(column, reason))
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}
