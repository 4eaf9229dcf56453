//! Strict JSON: keeps the order of keys, and reports repeated keys and NUL wherever they appear.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep arrays and objects may be nested.
const MAX_DEPTH: usize = 64;
/// Up to this number of keys, comparing them all is cheaper than a hash table.
const FEW_KEYS: usize = 16;

/// The members of an object in their order; a value is not parsed before it is asked for.
#[derive(Default)]
pub(crate) struct JsonObject<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> JsonObject<'a> {
    pub(crate) fn read(raw: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(raw)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| *v)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.members.iter().map(|(k, v)| (k.as_ref(), *v))
    }

    /// The repeated keys; a key that appears three times is returned twice.
    pub(crate) fn repeated(&self) -> Vec<&str> {
        let keys = || self.members.iter().map(|(k, _)| k.as_ref());
        if self.members.len() <= FEW_KEYS {
            let before = |i: usize, key: &str| keys().take(i).any(|k| k == key);
            return keys().enumerate().filter(|(i, k)| before(*i, k)).map(|(_, k)| k).collect();
        }
        let mut seen = HashSet::new();
        keys().filter(|k| !seen.insert(*k)).collect()
    }
}

impl<'de> Deserialize<'de> for JsonObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = JsonObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(JsonObject { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A string, borrowed from the body unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// The type of a value, by its first character; [`RawValue`] has checked the rest.
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    String(Cow<'a, str>),
    /// A string that is not Unicode: it has half of a surrogate pair.
    BrokenString,
    Object(&'a str),
    Array(&'a str),
    Number,
}

pub(crate) fn value(raw: &RawValue) -> Value<'_> {
    let text = raw.get();
    match text.as_bytes()[0] {
        b'n' => Value::Null,
        b't' => Value::Bool(true),
        b'f' => Value::Bool(false),
        b'"' => serde_json::from_str(text).map_or(Value::BrokenString, |Text(s)| Value::String(s)),
        b'{' => Value::Object(text),
        b'[' => Value::Array(text),
        _ => Value::Number,
    }
}

/// What no part of a body may contain, known field or not.
pub(crate) enum JsonIssue {
    RepeatedKey,
    Nul,
    TooDeep,
    NotUnicode,
}

/// Inspects a value and reports every issue with its path.
pub(crate) fn inspect(raw: &RawValue, path: &[&str], report: &mut dyn FnMut(&[&str], JsonIssue)) {
    if path.len() > MAX_DEPTH {
        return report(path, JsonIssue::TooDeep);
    }
    match value(raw) {
        Value::String(text) if text.contains('\0') => report(path, JsonIssue::Nul),
        Value::BrokenString => report(path, JsonIssue::NotUnicode),
        Value::Object(text) => match JsonObject::read(text) {
            Ok(object) => inspect_members(&object, path, report),
            Err(_) => report(path, JsonIssue::NotUnicode),
        },
        Value::Array(text) => {
            for item in serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default() {
                inspect(item, &[path, &["[]"]].concat(), report);
            }
        }
        _ => {}
    }
}

fn inspect_members(
    object: &JsonObject<'_>,
    path: &[&str],
    report: &mut dyn FnMut(&[&str], JsonIssue),
) {
    for key in object.repeated() {
        report(&[path, &[key]].concat(), JsonIssue::RepeatedKey);
    }
    for (key, member) in object.members() {
        let member_path = [path, &[key]].concat();
        if key.contains('\0') {
            report(&member_path, JsonIssue::Nul);
        }
        inspect(member, &member_path, report);
    }
}
