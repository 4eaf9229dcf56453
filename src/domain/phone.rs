//! Telephone numbers as people write them.

/// The country of numbers without one.
const COUNTRY: &str = "33";
/// Fewer digits are no number of a person.
const MIN_DIGITS: usize = 6;
/// With this many digits, a number may be followed by another.
const COMPLETE_DIGITS: usize = 9;

/// The form in which numbers are compared: the digits of the first number of a text, in international form,
/// so that `06 12 34 56 78`, `0033612345678`, `+33 (0)6.12.34.56.78` and `0612345678 poste 12` are equal.
/// `None` if there is none.
#[must_use]
pub fn match_key(text: &str) -> Option<String> {
    // In parentheses, the prefix of national calls is not dialled from abroad.
    let text = text.replace("(0)", "");
    let begin = text.find(|c: char| c == '+' || c.is_ascii_digit())?;
    let is_international = text[begin..].starts_with('+');
    let mut digits = String::new();
    for c in text[begin..].chars().skip(usize::from(is_international)) {
        match c {
            '0'..='9' => digits.push(c),
            '+' => break,
            ',' | ';' | '/' if digits.len() >= COMPLETE_DIGITS => break,
            c if c.is_alphabetic() => break,
            _ => {}
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
