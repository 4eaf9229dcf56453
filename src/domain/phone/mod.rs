//! Telephone numbers as people write them: the one parser, for the search, for links and for `gdpr`.
//!
//! Not the crate `phonenumber`: its data of all countries would take more room in the binary than is left,
//! and the numbers that come here are nearly all French. A foreign number is recognised by its `+` or `00`.

pub mod number;
pub(crate) mod scan;

use crate::domain::phone::number::PhoneNumber;
use crate::domain::phone::scan::{
    COUNTRY, MIN_CERTAIN_DIGITS, OVERSEAS, Scanner, digit, is_separator,
};
use crate::domain::text::is_invisible;

/// Fewer digits are no number of a person.
const MIN_DIGITS: usize = 6;
/// With this many digits, a number may be followed by another.
const COMPLETE_DIGITS: usize = 9;

/// The numbers of a text that are certain, in their order. An uncertain one is left out: dialling it could
/// call somebody else.
#[must_use]
pub fn find_all(text: &str) -> Vec<PhoneNumber> {
    let mut numbers = Vec::new();
    if text.chars().filter(|c| digit(*c).is_some()).count() < MIN_CERTAIN_DIGITS {
        return numbers;
    }
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let scanner = Scanner { chars: &chars, len: text.len() };
    let mut at = 0;
    while at < chars.len() {
        if !scanner.begins_number(at) {
            at += 1;
        } else if let Some((number, end)) = scanner.number(at) {
            numbers.push(number);
            at = end;
        } else {
            at = scanner.end_of_digits(at + 1);
        }
    }
    numbers
}

/// The form in which `gdpr` compares numbers: the digits of the first number of a text, in international
/// form, so that `06 12 34 56 78`, `0033612345678`, `+33 (0)6.12.34.56.78` and `0612345678 poste 12` are
/// equal. Where none is certain, all digits of what may be one. `None` if there is none.
#[must_use]
pub fn match_key(text: &str) -> Option<String> {
    let certain = find_all(text).into_iter().next().map(|number| number.international);
    certain.or_else(|| uncertain_key(text))
}

fn uncertain_key(text: &str) -> Option<String> {
    // In parentheses, the prefix of national calls is not dialled from abroad.
    let text = text.replace("(0)", "");
    let begin = text.find(|c: char| c == '+' || digit(c).is_some())?;
    let is_international = text[begin..].starts_with('+');
    let mut digits = String::new();
    for c in text[begin..].chars().skip(usize::from(is_international)) {
        match c {
            '+' => break,
            ',' | ';' | '/' if digits.len() >= COMPLETE_DIGITS => break,
            c if c.is_alphabetic() => break,
            c => digits.extend(digit(c)),
        }
    }
    if digits.len() < MIN_DIGITS {
        return None;
    }
    if is_international {
        return Some(digits);
    }
    if let Some(international) = digits.strip_prefix("00") {
        return Some(international.to_owned());
    }
    Some(match digits.strip_prefix('0') {
        Some(national) => format!("{COUNTRY}{national}"),
        None => digits,
    })
}

/// The digits of what may be the beginning of a number, or its end, in national form: of `+33 6 12` it is
/// `0612`. `None` if the text has other characters than those of a number.
#[must_use]
pub fn partial_national(text: &str) -> Option<String> {
    let is_international = text.trim_start().starts_with(['+', '＋']);
    let mut digits = String::new();
    for c in text.trim().chars() {
        match digit(c) {
            Some(digit) => digits.push(digit),
            None if matches!(c, '+' | '＋') && digits.is_empty() => {}
            None if is_separator(c) || is_invisible(c) || matches!(c, '/' | ',') => {}
            None => return None,
        }
    }
    let abroad = if is_international { Some(&digits[..]) } else { digits.strip_prefix("00") };
    let national = abroad.map(|abroad| {
        let codes = std::iter::once(COUNTRY).chain(OVERSEAS.iter().map(|(code, _)| *code));
        let mut rests = codes.filter_map(|code| abroad.strip_prefix(code));
        rests
            .next()
            .map_or_else(|| abroad.to_owned(), |rest| national(rest.trim_start_matches('0')))
    });
    national.or(Some(digits)).filter(|digits| !digits.is_empty())
}

fn national(rest: &str) -> String {
    format!("0{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(text: &str) -> String {
        find_all(text).iter().map(PhoneNumber::uri).collect::<Vec<_>>().join(" ")
    }

    /// Each line of a list: a text, and after `=>` what it gives, separated by spaces.
    fn cases(list: &str) -> impl Iterator<Item = (&str, &str)> {
        let lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| line.rsplit_once("=>").expect("a case")).map(|(a, b)| (a.trim(), b.trim()))
    }

    #[test]
    fn numbers_are_found_in_every_spelling() {
        let spellings = "06 12 34 56 78|0612345678|06.12.34.56.78|06-12-34-56-78|06/12/34/56/78|06,12,34,56,78\
            |+33 6 12 34 56 78|+33612345678|+33 (0)6 12 34 56 78|+33 ( 0 ) 6.12.34.56.78|+33 06 12 34 56 78\
            |0033 6 12 34 56 78|0033612345678|00 33 (0)6 12 34 56 78|33 6 12 34 56 78|33612345678\
            |(+33) 6 12 34 56 78|(06) 12 34 56 78|06\u{a0}12\u{202f}34 56 78|\u{202a}+33 6 12 34 56 78\u{202c}\
            |Tél. : 06 12 34 56 78 (portable)|０６ １２ ３４ ５６ ７８|٠٦ ١٢ ٣٤ ٥٦ ٧٨|06 12 345 678|06 – 12 – 34 – 56 – 78";
        for text in spellings.split('|') {
            assert_eq!(uris(text), "tel:+33612345678", "{text}");
            let number = &find_all(text)[0];
            assert_eq!(number.national(), "0612345678", "{text}");
            let place = number.place_of(6..10);
            assert_eq!(text[place].chars().filter_map(digit).collect::<String>(), "5678", "{text}");
        }
    }

    #[test]
    fn the_extension_and_a_second_number_are_not_dialled() {
        let list = "
            04 72 00 11 22 poste 12 => tel:+33472001122;ext=12
            0472001122poste12 => tel:+33472001122;ext=12
            04 72 00 11 22, poste n° 12 => tel:+33472001122;ext=12
            04 72 00 11 22 ext. 212 => tel:+33472001122;ext=212
            04 72 00 11 22 (ext : 212) => tel:+33472001122;ext=212
            +1 212 555 0123 x45 => tel:+12125550123;ext=45
            0472001122#12 => tel:+33472001122;ext=12
            04 72 00 11 22 / 06 12 34 56 78 => tel:+33472001122 tel:+33612345678
            04 72 00 11 22 06 12 34 56 78 => tel:+33472001122 tel:+33612345678
            0472001122,0612345678 => tel:+33472001122 tel:+33612345678
            04 72 00 11 22 ou 06 12 34 56 78 => tel:+33472001122 tel:+33612345678
            +33472001122+33612345678 => tel:+33472001122 tel:+33612345678
            04 72 00 11 22/23 => tel:+33472001122
            06 12 34 56 78 3 ponts à voir => tel:+33612345678
            Depuis le 04.05.2026 06 12 34 56 78 => tel:+33612345678
            Depuis le 04/05/26 06 12 34 56 78 => tel:+33612345678
            +44 (0)20 7946 0958 => tel:+442079460958
            0041 22 123 45 67 => tel:+41221234567
            0692 12 34 56 => tel:+262692123456
            +262 692 12 34 56 => tel:+262692123456";
        for (text, expected) in cases(list) {
            assert_eq!(uris(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_of_numbers_alone_takes_no_longer_than_others() {
        assert_eq!(find_all(&"06 12 34 56 78 ".repeat(1000)).len(), 1000);
    }

    #[test]
    fn what_is_not_certain_is_no_number() {
        let texts = "|bonjour|12|18|3949|06 12 34 56|06 12 34 56 78 9|06123456789|00 12 34 56 78|612345678\
            |1234567890|B0612345678|0612345678h|04/05/2026 06:30|le 04/05/26 à 12 h|+33 6 12|+33 1234567890|+|+ + +\
            |04.05.2026|FR76 3000 4000 0312 3456 7890 143|+1234567|0612345678901234567890";
        for text in texts.split('|') {
            assert_eq!(uris(text), "", "{text}");
        }
    }

    #[test]
    fn the_beginning_of_a_number_is_in_national_form() {
        let list = "+33 6 12 => 0612
            0033 6 12 => 0612
            +33 (0)6 12 => 0612
            +33 => 0
            06 12 => 0612
            56 78 => 5678
            +41 22 => 4122
            0041 22 => 4122
            +262 692 => 0692
            33612 => 33612";
        for (text, expected) in cases(list) {
            assert_eq!(partial_national(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(partial_national("06 douze"), None);
        assert_eq!(partial_national("+"), None);
    }
}
