//! What of a lead is searched, and the tokens of it that are indexed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::domain::email;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::person::SamePerson;
use crate::domain::phone;
use crate::domain::search::fold::{FoldedText, fold};
use crate::domain::search::tokens::{for_each_token, for_each_word};

/// The shortest part of a telephone number that is indexed.
pub(crate) const MIN_NUMBER_PART: usize = 4;

/// A searchable text of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchField {
    Name,
    Email,
    /// The address with its domain in the other of its two spellings.
    OtherEmail,
    Phone,
    Company,
    /// The names of the service, as the admin page shows them.
    Service,
    Message,
    /// The id of the lead or its `request_id`.
    Id,
}

/// The searchable texts of a lead.
pub fn fields(lead: &Lead) -> impl Iterator<Item = (SearchField, Cow<'_, str>)> {
    let personal = [
        (SearchField::Name, Some(&lead.name)),
        (SearchField::Email, Some(&lead.email)),
        (SearchField::Message, Some(&lead.message)),
        (SearchField::Phone, lead.phone.as_ref()),
        (SearchField::Company, lead.company.as_ref()),
    ];
    let other_email = email::other_spelling(lead.email.as_str()).map(Cow::Owned);
    let service = lead.service.map(|service| Cow::Borrowed(service.names()));
    personal
        .into_iter()
        .filter_map(|(field, text)| Some((field, Cow::Borrowed(text?.as_str()))))
        .chain(other_email.map(|text| (SearchField::OtherEmail, text)))
        .chain(service.map(|text| (SearchField::Service, text)))
        .chain([&lead.id, &lead.request_id].map(|id| (SearchField::Id, Cow::Borrowed(&**id))))
}

/// Calls `take` with the words of a lead, folded.
pub(crate) fn for_each_word_of(lead: &Lead, mut take: impl FnMut(&str)) {
    for (_, text) in fields(lead).filter(|(field, _)| *field != SearchField::Id) {
        for_each_word(&text, &mut take);
    }
}

/// How a lead spells a word that is given folded, in lower case.
pub(crate) fn spelling(lead: &Lead, word: &str) -> Option<String> {
    let find = |is_wanted: &dyn Fn(&str) -> bool| {
        fields(lead).find_map(|(_, text)| {
            place_of(&text, is_wanted).map(|place| text[place].to_lowercase())
        })
    };
    find(&|token| token == word).or_else(|| find(&|token| token.starts_with(word)))
}

/// A text with the first occurrence of a word, which is given folded, replaced.
pub(crate) fn replace_word(text: &str, word: &str, replacement: &str) -> String {
    let place = place_of(text, |token| token == word);
    place.map_or_else(
        || text.to_owned(),
        |place| format!("{}{replacement}{}", &text[..place.start], &text[place.end..]),
    )
}

/// The bytes of the first word that, folded, is wanted.
fn place_of(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let folded = FoldedText::new(text);
    let mut place = None;
    for_each_token(&folded.text, |token| {
        if place.is_none() && is_wanted(&folded.text[token.clone()]) {
            place = Some(folded.source(token));
        }
    });
    place
}

/// The parts of a telephone number that are indexed: each is the number without its first digits.
pub(crate) fn number_parts(national: &str) -> impl Iterator<Item = &str> {
    let last = national.len().saturating_sub(MIN_NUMBER_PART);
    (0..=last).map(|begin| &national[begin..])
}

/// The tokens of a lead in the index, each once.
pub(crate) fn index_tokens(lead: &Lead) -> BTreeSet<String> {
    let mut tokens = BTreeSet::from([service_token(lead.service)]);
    for (field, text) in fields(lead) {
        if field == SearchField::Id {
            tokens.insert(id_token(&text));
            continue;
        }
        let folded = fold(&text);
        for_each_token(&folded, |token| {
            tokens.insert(folded[token].to_owned());
        });
        for number in phone::find_all(&text) {
            tokens.extend(number_parts(number.national()).map(number_part_token));
        }
    }
    let person = SamePerson::as_in(lead);
    tokens.extend(person.numbers().map(number_token));
    tokens
}

// Tokens with a `_` cannot be words of a text: those have none.

/// The token of a service.
pub(crate) fn service_token(service: Option<LeadService>) -> String {
    format!("_s{}", service.map_or("", LeadService::as_str))
}

/// The token of a telephone number that is the lead's, in national form.
pub(crate) fn number_token(national: &str) -> String {
    format!("_t{national}")
}

/// The token of a part of a telephone number.
pub(crate) fn number_part_token(digits: &str) -> String {
    format!("_n{digits}")
}

/// The token of an id.
pub(crate) fn id_token(id: &str) -> String {
    format!("_i{}", id.replace('-', ""))
}

/// What the leads of a person are listed by in the index: a hash of the address and one of each number.
pub(crate) fn person_hashes(person: &SamePerson) -> Vec<i64> {
    let hash = |kind: &str, text: &str| {
        let digest = Sha256::new().chain_update(kind).chain_update(text).finalize();
        i64::from_be_bytes(std::array::from_fn(|i| digest[i]))
    };
    let numbers = person.numbers().map(|national| hash("number ", national));
    std::iter::once(hash("email ", person.email())).chain(numbers).collect()
}
