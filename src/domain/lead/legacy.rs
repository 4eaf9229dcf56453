//! A row of the PostgreSQL service that FASTCore replaces, read into what the table can hold: its
//! rules were wider than today's intake, and what was kept then is kept now.

use std::borrow::Cow;

use serde_json::value::RawValue;
use thiserror::Error;

use crate::domain::email::Email;
use crate::domain::id::{LeadId, RequestId};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::strict_json;
use crate::domain::strict_json::{Object, Value};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;

/// A lead with everything that it came with: its ids, its time, its status.
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

/// Why a row is not taken. It quotes nothing of the row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct RowError(pub Cow<'static, str>);

impl RowError {
    fn of(column: &str, fault: &str) -> Self {
        Self(format!("{column}: {fault}").into())
    }
}

/// A row's values by their columns, before anything is known of them; empty is `NULL`.
type Values<'a> = [Option<Cow<'a, str>>; Lead::COLUMNS.len()];

impl ImportedLead {
    /// Reads a row of values in the order of [`Lead::COLUMNS`]; an empty one is `NULL`.
    ///
    /// # Errors
    /// [`RowError`]: the first thing that the table cannot hold.
    pub fn from_columns<'a>(value: impl Fn(usize) -> &'a str) -> Result<Self, RowError> {
        Self::read(&std::array::from_fn(|i| Some(Cow::Borrowed(value(i)))))
    }

    /// Reads a JSON object whose keys are [`Lead::COLUMNS`], as `row_to_json` makes it.
    ///
    /// # Errors
    /// [`RowError`]: it is no such object, or the first thing that the table cannot hold.
    pub fn from_json(text: &str) -> Result<Self, RowError> {
        let object = Object::read(text).map_err(|_| RowError("not a JSON object".into()))?;
        if !object.repeated().is_empty() {
            return Err(RowError("a key stands more than once".into()));
        }
        let mut values = Values::default();
        for (value, column) in values.iter_mut().zip(Lead::COLUMNS) {
            let Some(raw) = object.get(column) else { continue };
            *value = match strict_json::value(raw) {
                Value::Null => None,
                Value::Bool(truth) => Some(if truth { "true" } else { "false" }.into()),
                Value::String(text) => Some(text),
                Value::Object(text) if column == "meta_json" => Some(text.into()),
                _ => return Err(RowError::of(column, "neither text nor true, false or null")),
            };
        }
        Self::read(&values)
    }

    fn read(values: &Values<'_>) -> Result<Self, RowError> {
        let row = Row(values);
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
            consent: row.parsed("consent", "neither t nor f", truth)?,
            source: row.required("source", 50)?.to_owned(),
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

struct Row<'a>(&'a Values<'a>);

impl<'a> Row<'a> {
    /// The text without white space around it, as the intake stores it; blank is `NULL`.
    fn text(&self, column: &str, most: usize) -> Result<Option<&'a str>, RowError> {
        let place = Lead::COLUMNS.iter().position(|c| *c == column);
        let value = place.and_then(|place| self.0[place].as_deref()).unwrap_or("").trim();
        if value.contains('\0') {
            return Err(RowError::of(column, "it has a NUL"));
        }
        if value.chars().nth(most).is_some() {
            return Err(RowError::of(column, &format!("longer than {most} characters")));
        }
        Ok(Some(value).filter(|v| !v.is_empty()))
    }

    fn required(&self, column: &str, most: usize) -> Result<&'a str, RowError> {
        self.text(column, most)?.ok_or_else(|| RowError::of(column, MISSING))
    }

    fn parsed<T>(
        &self,
        column: &str,
        fault: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RowError> {
        parse(self.required(column, 64)?).ok_or_else(|| RowError::of(column, fault))
    }

    /// The domain in lower case, so that the same lead sent again is known again. An address that
    /// would not be taken today is kept as it is.
    fn email(&self) -> Result<Personal, RowError> {
        let text = self.required("email", 120)?;
        let normal = Email::parse(text).ok().map(|email| email.as_str().to_owned());
        Ok(Personal::new(normal.filter(|n| n.chars().count() <= 120).unwrap_or(text.to_owned())))
    }

    /// The text to the letter. SQLAlchemy writes the JSON `null` where there is none.
    fn meta_json(&self) -> Result<Option<String>, RowError> {
        let column = "meta_json";
        let Some(text) = self.text(column, usize::MAX)?.filter(|t| *t != "null") else {
            return Ok(None);
        };
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|_| RowError::of(column, "not JSON"))?;
        let mut sound = true;
        strict_json::inspect(raw, &[column], &mut |_, _| sound = false);
        let fault = "it has a NUL, a repeated key, half a character, or is nested too deeply";
        sound.then(|| Some(text.to_owned())).ok_or_else(|| RowError::of(column, fault))
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}
