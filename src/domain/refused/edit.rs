//! Changes single fields of a body, and leaves the rest as it was sent.

use std::fmt;

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::field_error::FIELDS;
use crate::domain::strict_json::JsonObject;
use crate::domain::timestamp::Timestamp;

/// The fields of a lead that can be set, those of `meta` by their path.
fn fields() -> impl Iterator<Item = &'static str> {
    FIELDS.into_iter().filter(|field| !matches!(*field, "body" | "meta"))
}

/// A field and the value that it gets: `meta.timestamp_utc=now`, `phone=0612345678`. `Debug` shows the field.
#[derive(Clone)]
pub struct FieldChange {
    field: &'static str,
    value: String,
}

impl FieldChange {
    /// Parses `FIELD=VALUE`.
    ///
    /// # Errors
    /// What is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let names = || {
            let fields: Vec<_> = fields().collect();
            format!("FIELD=VALUE with one of these fields: {}", fields.join(", "))
        };
        let (name, value) = text.split_once('=').ok_or_else(names)?;
        let field = fields().find(|field| *field == name).ok_or_else(names)?;
        Ok(Self { field, value: value.to_owned() })
    }

    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value as JSON. `now` is the present time, `new` a new id.
    fn json(&self, now: Timestamp, new_id: Uuid) -> String {
        match (self.field, self.value.as_str()) {
            ("consent", value @ ("true" | "false")) => value.to_owned(),
            ("meta.timestamp_utc", "now") => format!("\"{now}\""),
            ("meta.request_id", "new") => format!("\"{}\"", new_id.hyphenated()),
            (_, value) => serde_json::Value::from(value).to_string(),
        }
    }
}

impl fmt::Debug for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)
    }
}

/// The body with these fields set; `None` where it is not a JSON object. What else is in it stays as it was sent,
/// repeated keys included: they are still faults. A `meta` that is no object gives way to one.
#[must_use]
pub fn with_fields(
    body: &str,
    changes: &[FieldChange],
    now: Timestamp,
    new_id: Uuid,
) -> Option<String> {
    let object = JsonObject::read(body).ok()?;
    let of = |is_meta: bool| {
        let fields =
            changes.iter().filter(move |change| change.field.starts_with("meta.") == is_meta);
        let fields = fields.map(|c| (c.field.trim_start_matches("meta."), c.json(now, new_id)));
        fields.collect::<Vec<_>>()
    };
    let (mut fields, meta_fields) = (of(false), of(true));
    if !meta_fields.is_empty() {
        let meta = object.get("meta").and_then(|meta| JsonObject::read(meta.get()).ok());
        fields.push(("meta", merged(&meta.unwrap_or_default(), &meta_fields)));
    }
    Some(merged(&object, &fields))
}

/// The members of an object, those that are set last.
fn merged(object: &JsonObject<'_>, set: &[(&str, String)]) -> String {
    let is_kept = |(key, _): &(&str, &RawValue)| !set.iter().any(|(name, _)| name == key);
    let kept = object.members().filter(is_kept).map(|(key, raw)| (key, raw.get()));
    let all = kept.chain(set.iter().map(|(key, json)| (*key, json.as_str())));
    let members: Vec<String> =
        all.map(|(key, json)| format!("{}:{json}", serde_json::Value::from(key))).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(body: &str, changes: &[&str]) -> Option<String> {
        let changes: Vec<FieldChange> =
            changes.iter().map(|text| FieldChange::parse(text).expect("a change")).collect();
        with_fields(body, &changes, Timestamp::from_micros(0), Uuid::nil())
    }

    #[test]
    fn only_what_is_set_changes() {
        let body = r#"{"a": 1.50, "a": 2, "meta": {"x": "\u00e9"}, "consent": "yes"}"#;
        let changes =
            ["consent=true", "meta.timestamp_utc=now", "meta.request_id=new", "name=\"J\""];
        insta::assert_snapshot!(set(body, &changes).expect("JSON"), @r#"{"a":1.50,"a":2,"consent":true,"name":"\"J\"","meta":{"x":"\u00e9","timestamp_utc":"1970-01-01T00:00:00.000000Z","request_id":"00000000-0000-0000-0000-000000000000"}}"#);
        assert_eq!(set("{}", &["meta.source=x"]).as_deref(), Some(r#"{"meta":{"source":"x"}}"#));
    }

    #[test]
    fn a_meta_that_was_no_object_took_no_change() {
        for meta in ["null", "3", "\"x\"", "[]", "{}"] {
            let body = format!("{{\"meta\": {meta}, \"a\": 1}}");
            let expected = r#"{"a":1,"name":"J","meta":{"source":"x"}}"#;
            assert_eq!(
                set(&body, &["meta.source=x", "name=J"]).as_deref(),
                Some(expected),
                "{meta}"
            );
        }
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        for body in ["", "[]", "3", "{\"a\""] {
            assert_eq!(set(body, &["meta.source=x"]), None, "{body}");
        }
        for change in ["", "name", "meta=x", "other=x", "=x"] {
            assert!(FieldChange::parse(change).is_err(), "{change}");
        }
    }
}
