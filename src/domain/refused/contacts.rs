//! E-mail addresses and telephone numbers in the text of a body, whatever field they stand in.

use unicode_normalization::UnicodeNormalization;

use crate::domain::lead::parse::valid_fields;
use crate::domain::person::PersonKey;
use crate::domain::refused::decode;
use crate::domain::{email, phone};

/// Characters before an `@` that are looked at: no address has more.
const MAX_LOCAL: usize = 80;
/// Characters after it.
const MAX_DOMAIN: usize = 255;
/// Addresses, and numbers, that are found in one text.
const MAX_FOUND: usize = 50;

/// Whether a body names a person: their address or number stands in some reading of it, in any spelling.
#[must_use]
pub fn names(body: &[u8], person: &PersonKey) -> bool {
    names_in(&decode::readings(body), person)
}

fn names_in(readings: &[String], person: &PersonKey) -> bool {
    let mut readings = readings.iter();
    match person {
        PersonKey::Email(address) => {
            let wanted = email::match_key(address);
            readings.any(|text| has_address(text, &wanted))
        }
        PersonKey::Phone(_) => {
            let is_wanted = person.matcher();
            readings.any(|text| {
                phone::find_all(text).iter().any(|number| is_wanted(&text[number.range.clone()]))
            })
        }
    }
}

/// The addresses of a body, each once, in their order; as many as a person would look at.
#[must_use]
pub fn addresses(body: &[u8]) -> Vec<String> {
    addresses_in(&decode::readings(body))
}

fn addresses_in(readings: &[String]) -> Vec<String> {
    let mut found = Found::default();
    for text in readings {
        for at in text.match_indices('@').map(|(at, _)| at).take(MAX_FOUND) {
            let is_usual = |c: char| c.is_alphanumeric() || "._+-".contains(c);
            let local = text[begin(text, at, is_usual)..at].trim_start_matches(['.', '-', '+']);
            if let Ok(address) = email::Email::parse(&format!("{local}@{}", domain(text, at))) {
                found.add(email::match_key(address.as_str()), address.as_str());
            }
        }
    }
    found.texts()
}

/// The numbers of a body that are certain, as they are written, each once.
#[must_use]
pub fn numbers(body: &[u8]) -> Vec<String> {
    numbers_in(&decode::readings(body))
}

fn numbers_in(readings: &[String]) -> Vec<String> {
    let mut found = Found::default();
    for text in readings {
        for number in phone::find_all(text).into_iter().take(MAX_FOUND) {
            found.add(number.uri(), &text[number.range.clone()]);
        }
    }
    found.texts()
}

/// Who has sent a lead.
#[derive(Debug, Clone, Copy)]
pub struct LeadSender<'a> {
    pub name: &'a str,
    pub email: &'a str,
    pub phone: Option<&'a str>,
}

/// Whether a body that was sent with the `request_id` of a lead is of the same person, as a site may give one
/// `request_id` to many: it has their address, number or name, or nobody's.
#[must_use]
pub fn is_of_sender(body: &[u8], sender: LeadSender<'_>) -> bool {
    let readings = decode::readings(body);
    let email = PersonKey::Email(sender.email.to_owned());
    let phone = sender.phone.map(|phone| PersonKey::Phone(phone.to_owned()));
    if std::iter::once(email).chain(phone).any(|person| names_in(&readings, &person)) {
        return true;
    }
    match valid_fields(body).into_iter().find(|(field, _)| *field == "name") {
        Some((_, name)) => name == sender.name,
        None => addresses_in(&readings).is_empty() && numbers_in(&readings).is_empty(),
    }
}

/// What was found, as it is written, with what it is known again by.
#[derive(Default)]
struct Found(Vec<(String, String)>);

impl Found {
    fn add(&mut self, key: String, text: &str) {
        if self.0.len() < MAX_FOUND && !self.0.iter().any(|(known, _)| *known == key) {
            self.0.push((key, text.to_owned()));
        }
    }

    fn texts(self) -> Vec<String> {
        self.0.into_iter().map(|(_, text)| text).collect()
    }
}

/// Whether this address, in the form in which addresses are compared, stands in a text. It may begin at many a
/// character before the `@`: between a field's name and an address there is often nothing but an `=` or a quote,
/// which an address may have as well.
fn has_address(text: &str, wanted: &str) -> bool {
    let Some((_, wanted_domain)) = wanted.rsplit_once('@') else { return false };
    // The full-width @ and letters are the plain ones.
    let normal: String = text.nfkc().collect();
    normal.match_indices('@').any(|(at, _)| {
        let domain = domain(&normal, at);
        // First, since it is needed once.
        if email::match_key(&format!("@{domain}"))[1..] != *wanted_domain {
            return false;
        }
        let first = begin(&normal, at, |c| !c.is_whitespace() && !c.is_control() && c != '@');
        let mut before = None;
        normal[first..at].char_indices().any(|(from, c)| {
            // In the middle of a word, it is another one.
            let may_begin =
                before.is_none_or(|b: char| !(b.is_alphanumeric() || "._+-".contains(b)));
            before = Some(c);
            may_begin && email::match_key(&normal[first + from..at + 1 + domain.len()]) == wanted
        })
    })
}

/// Where the characters before an `@` begin that are like this, without a gap.
fn begin(text: &str, at: usize, is_part: impl Fn(char) -> bool) -> usize {
    let back = text[..at].char_indices().rev().take(MAX_LOCAL).take_while(|(_, c)| is_part(*c));
    back.last().map_or(at, |(from, _)| from)
}

/// What follows an `@` and may be a domain.
fn domain(text: &str, at: usize) -> &str {
    let rest = &text[at + 1..];
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '。' | '\u{300}'..='\u{36f}');
    let end = rest.char_indices().take(MAX_DOMAIN).find(|(_, c)| !is_part(*c));
    let end = end.map_or_else(
        || rest.char_indices().nth(MAX_DOMAIN).map_or(rest.len(), |(at, _)| at),
        |(at, _)| at,
    );
    rest[..end].trim_end_matches(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_jean(body: &str) -> bool {
        names(body.as_bytes(), &PersonKey::Email("Jean@Example.com".to_owned()))
    }

    #[test]
    fn a_person_is_found_between_whatever_characters() {
        for body in [
            "jean@example.com",
            "{\"email\":\"JEAN@EXAMPLE.COM\"}",
            "email=jean@example.com&name=x",
            "mailto:jean@example.com.",
            "<jean@example.com>",
            "Écrivez à jean@example.com, merci",
            "{'mail':'jean@example.com'}",
            "email=jean%40example.com",
            "ｊｅａｎ＠example.com",
            "x=\"Jean\\u0040example.com\"",
            "message=Mon+adresse+est+jean%40example.com",
            "email=+jean%40example.com&x=1",
        ] {
            assert!(names_jean(body), "{body}");
        }
    }

    #[test]
    fn somebody_else_is_not_found() {
        for body in [
            "marie-jean@example.com",
            "marie.jean@example.com",
            "marie+jean@example.com",
            "email=marie+jean@example.com",
            "{\"email\":\"marie+jean%40example.com\"}",
            "sjean@example.com",
            "jean@example.com.au",
            "jean@sexample.com",
            "jean @example.com",
            "@example.com jean",
            "",
        ] {
            assert!(!names_jean(body), "{body}");
        }
    }

    #[test]
    fn a_number_is_found_in_any_spelling() {
        let person = PersonKey::Phone("06 12 34 56 78".to_owned());
        assert!(names(b"{\"tel\":\"+33612345678\"}", &person));
        assert!(names(b"tel=%2B33%206%2012%2034%2056%2078", &person));
        assert!(!names(b"{\"tel\":\"+33612345679\"}", &person));
    }

    #[test]
    fn contacts_are_listed_once() {
        let body = b"{\"mail\": \"jean@example.com\", \"reply\": \"Jean@example.com\", \"tel\": \"06 12 34 56 78\", \"t\": \"+33612345678\"}";
        assert_eq!(addresses(body), ["jean@example.com"]);
        assert_eq!(numbers(body), ["06 12 34 56 78"]);
    }

    #[test]
    fn an_address_in_a_form_began_with_the_words_before_it() {
        let found = addresses(b"message=Mon+adresse+est+jean%40example.com");
        assert_eq!(found.first().map(String::as_str), Some("jean@example.com"));
    }

    #[test]
    fn a_number_in_a_form_was_not_listed() {
        for body in ["tel=06+12+34+56+78", "tel=%2B33612345678", "tel=%2B33+6+12%2E34.56.78"] {
            let found = numbers(body.as_bytes());
            let uris: Vec<String> =
                found.iter().flat_map(|text| phone::find_all(text)).map(|n| n.uri()).collect();
            assert_eq!(uris, ["tel:+33612345678"], "{body}");
            assert!(names(body.as_bytes(), &PersonKey::Phone("0612345678".to_owned())), "{body}");
        }
        assert_eq!(numbers(b"tel=%2B442079460958"), ["+442079460958"]);
        assert_eq!(numbers(b"tel=+442079460958"), ["+442079460958"]);
    }

    #[test]
    fn a_number_went_on_in_the_next_line_of_a_json_text() {
        let body = br#"{"message":"Rappelez-moi :\n06 12 34 56 78\n12, rue X"}"#;
        assert_eq!(numbers(body), ["06 12 34 56 78"]);
        assert_eq!(numbers(br#"{"message":"le 06 12\n34 56 78 90"}"#), [""; 0]);
    }

    #[test]
    fn a_hostile_body_takes_no_longer_than_others() {
        for part in
            ["&", "&#64", "\\u", "%", "%25", "=+", "@", "!@a", "!!!!!!!!@é.fr", "+0 ", "1\u{200b}"]
        {
            let body = part.repeat((256 << 10) / part.len());
            assert!(!names_jean(&body), "{part}");
            let _ = (addresses(body.as_bytes()), numbers(body.as_bytes()));
        }
        // At each `@`, as many beginnings as there can be.
        let almost = format!("{}x@example.com ", "!".repeat(79));
        assert!(!names_jean(&almost.repeat((256 << 10) / almost.len())));
    }
}
