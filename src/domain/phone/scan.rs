//! Looks for telephone numbers in a text.

use std::ops::{Range, RangeInclusive};

use crate::domain::phone::number::PhoneNumber;
use crate::domain::text::is_invisible;

/// The country of numbers without one.
pub(crate) const COUNTRY: &str = "33";
/// French overseas numbers by the beginning of their national form: their country code is another.
pub(crate) const OVERSEAS: [(&str, &[&str]); 4] = [
    ("262", &["0262", "0263", "0269", "0639", "0692", "0693"]),
    ("590", &["0590", "0690", "0691"]),
    ("594", &["0594", "0694"]),
    ("596", &["0596", "0696", "0697"]),
];
/// Reserved for fiction, in the middle of those of Mayotte.
const FICTION: &str = "063998";
/// The digits of a French number, the first of which is the 0 that is dialled within the country.
const NATIONAL_DIGITS: usize = 10;
/// The digits of a foreign number, with its country code (E.164).
const FOREIGN_DIGITS: RangeInclusive<usize> = 8..=15;
/// No more digits are looked at to know a number and what follows it: a text may consist of numbers alone.
const MAX_RUN: usize = 20;
/// Characters between two digits of a number, at most: ` - `.
const MAX_GAP: usize = 3;
/// What introduces an extension, in lower case. Of two that begin alike the longer is first.
const EXTENSION_MARKS: [&str; 8] =
    ["extension", "interne", "poste", "post.", "ext", "int.", "x", "#"];
const MAX_EXTENSION: usize = 6;
/// No number that is certain has fewer digits.
pub(crate) const MIN_CERTAIN_DIGITS: usize = *FOREIGN_DIGITS.start();

/// A decimal digit of the scripts that people write numbers in, as ASCII.
pub(crate) fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => return Some(c),
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        '０'..='９' => '０',
        _ => return None,
    };
    char::from_digit(u32::from(c) - u32::from(zero), 10)
}

/// A character between the digits of a number.
pub(crate) fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '.' | '·' | '(' | ')')
        || is_hyphen(c)
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// One digit of a run, with its place in the characters.
#[derive(Clone, Copy)]
struct RunDigit {
    digit: char,
    at: usize,
    /// Whether it is the first after a separator.
    begins_group: bool,
    /// Whether it is alone in parentheses.
    is_bracketed: bool,
}

/// Looks for numbers in the characters of a text, which are given with their byte offsets.
pub(crate) struct Scanner<'a> {
    pub(crate) chars: &'a [(usize, char)],
    pub(crate) len: usize,
}

impl Scanner<'_> {
    fn char(&self, at: usize) -> Option<char> {
        self.chars.get(at).map(|(_, c)| *c)
    }

    fn byte(&self, at: usize) -> usize {
        self.chars.get(at).map_or(self.len, |(byte, _)| *byte)
    }

    fn digit(&self, at: usize) -> Option<char> {
        self.char(at).and_then(digit)
    }

    /// Whether a number may begin here: at a plus, or at a digit that follows no letter and no digit.
    pub(crate) fn begins_number(&self, at: usize) -> bool {
        let follows_word = at > 0 && self.char(at - 1).is_some_and(char::is_alphanumeric);
        match self.char(at) {
            Some('+' | '＋') => true,
            Some(c) => digit(c).is_some() && !follows_word,
            None => false,
        }
    }

    pub(crate) fn end_of_digits(&self, mut at: usize) -> usize {
        while self.digit(at).is_some() {
            at += 1;
        }
        at
    }

    /// The digits from here on that may belong to one number.
    fn run(&self, begin: usize) -> Vec<RunDigit> {
        let mut run: Vec<RunDigit> = Vec::new();
        let mut is_slashed = None;
        let mut at = begin;
        while let Some(gap) = self.gap(at) {
            let first = at + gap;
            let slashed = (at..first).any(|at| matches!(self.char(at), Some('/' | ',')));
            let is_pair = |at: usize| self.end_of_digits(at) == at + 2;
            if !run.is_empty() {
                // A slash separates pairs, or else two numbers, or the parts of a date.
                let ends_pair = run.iter().rev().position(|digit| digit.begins_group) == Some(1);
                let is_part = !slashed || (ends_pair && is_pair(first));
                if !is_part || is_slashed.is_some_and(|all| all != slashed) {
                    break;
                }
                is_slashed = Some(slashed);
            }
            let end = self.end_of_digits(first);
            let is_bracketed =
                end == first + 1 && self.surrounding(first) == (Some('('), Some(')'));
            run.extend((first..end).filter_map(|at| {
                let begins_group = at == first;
                Some(RunDigit { digit: self.digit(at)?, at, begins_group, is_bracketed })
            }));
            at = end;
            if run.len() > MAX_RUN {
                break;
            }
        }
        run
    }

    /// The characters before and after one, without spaces.
    fn surrounding(&self, at: usize) -> (Option<char>, Option<char>) {
        let visible = |at: &usize| self.char(*at).is_some_and(|c| !c.is_whitespace());
        let before = (0..at).rev().find(visible).and_then(|at| self.char(at));
        let after = (at + 1..self.chars.len()).find(visible).and_then(|at| self.char(at));
        (before, after)
    }

    /// How many characters separate this place from the next digit of the same number.
    fn gap(&self, at: usize) -> Option<usize> {
        let mut visible = 0;
        for gap in 0.. {
            let c = self.char(at + gap)?;
            if digit(c).is_some() {
                return Some(gap);
            }
            visible += usize::from(!is_invisible(c));
            let is_between = is_separator(c) || is_invisible(c) || matches!(c, '/' | ',');
            if !is_between || visible > MAX_GAP {
                return None;
            }
        }
        None
    }

    /// The number that begins here, and where what follows it begins.
    pub(crate) fn number(&self, begin: usize) -> Option<(PhoneNumber, usize)> {
        let has_plus = matches!(self.char(begin), Some('+' | '＋'));
        let run = self.run(begin + usize::from(has_plus));
        let digits: String = run.iter().map(|digit| digit.digit).collect();
        let trunk = if has_plus || !digits.starts_with("00") { 0 } else { 2 };
        let is_international = has_plus || trunk > 0;
        let abroad = &digits[trunk..];
        if abroad.starts_with('0') && is_international {
            return None;
        }
        let code = if is_international {
            let overseas = OVERSEAS.iter().map(|(code, _)| *code);
            std::iter::once(COUNTRY).chain(overseas).find(|code| abroad.starts_with(code))
        } else {
            // `33 6 12 34 56 78`: nothing else has these eleven digits.
            let bare = digits.len() == COUNTRY.len() + NATIONAL_DIGITS - 1;
            Some(COUNTRY).filter(|code| bare && digits.starts_with(code))
        };
        if is_international && code.is_none() {
            return self.foreign(begin, &run[trunk..]);
        }
        self.french(begin, &run, code.map_or(0, |code| trunk + code.len()))
    }

    /// A French number, of which the digits after `prefix` are the national ones.
    fn french(
        &self,
        begin: usize,
        run: &[RunDigit],
        prefix: usize,
    ) -> Option<(PhoneNumber, usize)> {
        let mut rest = &run[prefix..];
        let first_byte = self.byte(begin);
        // Abroad, the first 0 of the national form is not dialled, though many write it.
        let zero = match rest.split_first() {
            Some((zero, others)) if zero.digit == '0' => {
                rest = others;
                if prefix == 0 {
                    self.byte(zero.at)..self.byte(zero.at + 1)
                } else {
                    first_byte..self.byte(zero.at + 1)
                }
            }
            _ if prefix > 0 => first_byte..self.byte(run[prefix - 1].at + 1),
            _ => return None,
        };
        let own = rest.get(..NATIONAL_DIGITS - 1)?;
        let follower = rest.get(own.len()).copied();
        if own[0].digit == '0' || follower.is_some_and(|digit| !self.may_follow(own, digit)) {
            return None;
        }
        let national: String = std::iter::once('0').chain(own.iter().map(|d| d.digit)).collect();
        let of_digit = |d: &RunDigit| self.byte(d.at)..self.byte(d.at + 1);
        let places = std::iter::once(zero).chain(own.iter().map(of_digit)).collect();
        let overseas = OVERSEAS
            .iter()
            .filter(|_| !national.starts_with(FICTION))
            .find(|(_, begins)| begins.iter().any(|b| national.starts_with(b)));
        let code = overseas.map_or(COUNTRY, |(code, _)| code);
        let international = format!("{code}{}", &national[1..]);
        self.finish(begin, own[own.len() - 1].at + 1, international, national, places)
    }

    fn foreign(&self, begin: usize, run: &[RunDigit]) -> Option<(PhoneNumber, usize)> {
        let own = run.iter().filter(|d| !(d.is_bracketed && d.digit == '0'));
        let (digits, places): (String, Vec<_>) =
            own.map(|d| (d.digit, self.byte(d.at)..self.byte(d.at + 1))).unzip();
        // With the country codes 1 and 7, all numbers have eleven.
        let is_eleven = !digits.starts_with(['1', '7']) || digits.len() == 11;
        if !FOREIGN_DIGITS.contains(&digits.len()) || !is_eleven {
            return None;
        }
        self.finish(begin, run.last()?.at + 1, digits.clone(), digits, places)
    }

    /// Whether a complete number ends before this digit of the same run: where it begins another number, or
    /// something else, such as `3 ponts`. One digit too many is a mistake, and which one is unknown.
    fn may_follow(&self, own: &[RunDigit], follower: RunDigit) -> bool {
        let last = own[own.len() - 1].at;
        let between = || (last + 1..follower.at).filter_map(|at| self.char(at));
        let is_apart = between().any(|c| matches!(c, '/' | ',' | '('));
        let end = self.end_of_digits(follower.at);
        let begins_number =
            || follower.digit == '0' && self.run(follower.at).len() >= NATIONAL_DIGITS;
        let begins_words = || {
            let mut after = (end..end + 2).filter_map(|at| self.char(at));
            after.find(|c| !c.is_whitespace()).is_some_and(char::is_alphabetic)
        };
        follower.begins_group && (is_apart || begins_number() || begins_words())
    }

    fn finish(
        &self,
        begin: usize,
        end: usize,
        international: String,
        national: String,
        places: Vec<Range<usize>>,
    ) -> Option<(PhoneNumber, usize)> {
        let extension = self.extension(end);
        if extension.is_none() && self.char(end).is_some_and(char::is_alphanumeric) {
            return None;
        }
        let (extension, end) = extension.map_or((None, end), |(digits, end)| (Some(digits), end));
        let range = self.byte(begin)..self.byte(end);
        Some((PhoneNumber { international, national, extension, range, places }, end))
    }

    /// The extension after a number, and its end.
    fn extension(&self, end: usize) -> Option<(String, usize)> {
        let is_skipped = |at: &usize| {
            let c = self.char(*at);
            c.is_some_and(|c| is_separator(c) || matches!(c, ',' | ';' | ':' | '/'))
        };
        let begin = end + (end..end + MAX_GAP).take_while(is_skipped).count();
        let text: String = (begin..begin + 16)
            .filter_map(|at| self.char(at))
            .flat_map(char::to_lowercase)
            .collect();
        let mark = EXTENSION_MARKS.into_iter().find(|mark| text.starts_with(mark))?;
        let mut at = begin + mark.chars().count();
        let is_between = |c: char| is_separator(c) || matches!(c, ':' | '°' | 'º');
        // `poste n° 12`
        at += usize::from(self.char(at) == Some(' '));
        at += usize::from(matches!(
            (self.char(at), self.char(at + 1)),
            (Some('n'), Some('°' | 'º' | '.'))
        ));
        while self.char(at).is_some_and(is_between) {
            at += 1;
        }
        let after = self.end_of_digits(at);
        let digits: String = (at..after).filter_map(|at| self.digit(at)).collect();
        let is_whole = !self.char(after).is_some_and(char::is_alphabetic);
        ((1..=MAX_EXTENSION).contains(&digits.len()) && is_whole).then_some((digits, after))
    }
}
