//! Where the terms of a search are in the texts of a lead.

use std::ops::Range;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::lead::Lead;
use crate::domain::search::lead_text::SearchField;
use crate::domain::search::marks::Highlighter;
use crate::domain::search::terms::SearchTerms;
use crate::domain::text::Personal;

/// The maximum length of a lead's excerpt, in characters.
const EXCERPT_CHARS: usize = 160;
/// A term that ends beyond so many characters is brought to the beginning of the excerpt, behind so many others:
/// a row shows little of it.
const VISIBLE_CHARS: usize = 24;
const CHARS_BEFORE: usize = 12;

/// A part of a text.
#[derive(Serialize, ToSchema)]
#[schema(as = Hit)]
pub(crate) struct HitDto {
    /// Where it begins and ends, in UTF-16 code units.
    start: usize,
    end: usize,
}

/// Where the terms of a search are in what a row of the list shows.
#[derive(Serialize, ToSchema)]
#[schema(as = RowHits)]
pub(crate) struct RowHitsDto {
    name: Vec<HitDto>,
    company: Vec<HitDto>,
    /// Whether a term is the name of the service.
    service: bool,
    excerpt: Vec<HitDto>,
    /// The e-mail address or the telephone number, where it has a term that nothing else of the row has.
    #[schema(required)]
    contact: Option<ContactHitDto>,
}

/// A contact by which a search found a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactHit)]
pub(crate) struct ContactHitDto {
    text: String,
    hits: Vec<HitDto>,
}

/// Where the terms of a search are in a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadHits)]
pub(crate) struct LeadHitsDto {
    name: Vec<HitDto>,
    email: Vec<HitDto>,
    phone: Vec<HitDto>,
    company: Vec<HitDto>,
    service: bool,
    message: Vec<HitDto>,
}

impl RowHitsDto {
    /// With the part of the message around the first term, if it has one.
    pub(crate) fn of(terms: &SearchTerms, lead: &Lead) -> (Option<String>, Self) {
        let highlighter = Highlighter::of(terms, lead);
        let message = one_line(lead.message.as_str());
        let in_message = highlighter.ranges(SearchField::Message, &message);
        let excerpt = in_message.first().map(|first| excerpt_around(&message, first));
        let of_row = Self {
            name: marked(&highlighter, SearchField::Name, Some(&lead.name)),
            company: marked(&highlighter, SearchField::Company, lead.company.as_ref()),
            service: has_service(&highlighter, lead),
            excerpt: excerpt.as_deref().map_or_else(Vec::new, |excerpt| {
                hits(excerpt, &highlighter.ranges(SearchField::Message, excerpt))
            }),
            contact: contact(&highlighter, excerpt.as_deref().unwrap_or_default(), lead),
        };
        (excerpt, of_row)
    }
}

/// The e-mail address or the telephone number, if it has a term that nothing else of the row has.
fn contact(highlighter: &Highlighter<'_>, excerpt: &str, lead: &Lead) -> Option<ContactHitDto> {
    let company = lead.company.as_ref().map_or("", Personal::as_str);
    let rest = highlighter.without_those_in(&[
        (SearchField::Name, lead.name.as_str()),
        (SearchField::Company, company),
        (SearchField::Service, lead.service.map_or("", |service| service.names())),
        (SearchField::Message, excerpt),
    ]);
    let contacts =
        [(SearchField::Phone, lead.phone.as_ref()), (SearchField::Email, Some(&lead.email))];
    contacts.into_iter().find_map(|(field, text)| {
        let text = text?.as_str();
        let has_rest = !rest.ranges(field, text).is_empty();
        has_rest.then(|| ContactHitDto {
            hits: hits(text, &highlighter.ranges(field, text)),
            text: text.to_owned(),
        })
    })
}

impl LeadHitsDto {
    pub(crate) fn of(terms: &SearchTerms, lead: &Lead) -> Self {
        let highlighter = Highlighter::of(terms, lead);
        let marked = |field, text| marked(&highlighter, field, text);
        Self {
            name: marked(SearchField::Name, Some(&lead.name)),
            email: marked(SearchField::Email, Some(&lead.email)),
            phone: marked(SearchField::Phone, lead.phone.as_ref()),
            company: marked(SearchField::Company, lead.company.as_ref()),
            service: has_service(&highlighter, lead),
            message: marked(SearchField::Message, Some(&lead.message)),
        }
    }
}

fn has_service(highlighter: &Highlighter<'_>, lead: &Lead) -> bool {
    let names = lead.service.map_or("", |service| service.names());
    !highlighter.ranges(SearchField::Service, names).is_empty()
}

fn marked(
    highlighter: &Highlighter<'_>,
    field: SearchField,
    text: Option<&Personal>,
) -> Vec<HitDto> {
    let text = text.map_or("", Personal::as_str);
    hits(text, &highlighter.ranges(field, text))
}

fn hits(text: &str, ranges: &[Range<usize>]) -> Vec<HitDto> {
    let hit = |range: &Range<usize>| HitDto {
        start: utf16(text, range.start),
        end: utf16(text, range.end),
    };
    ranges.iter().map(hit).collect()
}

/// The place of a byte in UTF-16 code units, which count the indices of strings in JavaScript.
pub(crate) fn utf16(text: &str, byte: usize) -> usize {
    text[..byte].encode_utf16().count()
}

/// The first characters of a message, on one line.
pub(crate) fn excerpt(message: &str) -> String {
    one_line(message).chars().take(EXCERPT_CHARS).collect()
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The characters of a message of one line from a little before a place on.
fn excerpt_around(message: &str, place: &Range<usize>) -> String {
    let from_start = |text: &str| text.chars().take(EXCERPT_CHARS).collect::<String>();
    if message[..place.end].chars().count() <= VISIBLE_CHARS {
        return from_start(message);
    }
    let before = &message[..place.start];
    let cut = before.char_indices().rev().nth(CHARS_BEFORE).map_or(0, |(at, _)| at);
    // From a whole word on.
    let begin = message[cut..place.start].find(' ').map_or(place.start, |space| cut + space + 1);
    from_start(&format!("… {}", &message[begin..]))
}
