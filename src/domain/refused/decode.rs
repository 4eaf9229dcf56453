//! The texts that the bytes of a body may be: as they stand, and with the escapes of JSON and of forms undone.
//! Whoever is looked for in a body is looked for in each of them.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};
use percent_encoding::percent_decode_str;

const GZIP: &[u8] = b"\x1f\x8b";
/// Bytes that are unpacked of a compressed body, at most.
const MAX_UNPACKED: u64 = 256 << 10;
/// How often the escapes of a text are undone, at most: some clients escape what is escaped already.
const MAX_LEVELS: usize = 3;
/// The longest character reference that is decoded, without its `&` and `;`.
const MAX_REFERENCE: usize = 9;

/// What a body is as text: UTF-8 or UTF-16, unpacked where it is compressed; bytes that are no text become U+FFFD.
#[must_use]
pub fn text(body: &[u8]) -> String {
    let unpacked = unpack(body);
    let bytes = unpacked.as_deref().unwrap_or(body);
    utf16(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The texts that a body may be, the likely ones first, each once. What it is guessed to be never hides its bytes
/// as they stand.
#[must_use]
pub fn readings(body: &[u8]) -> Vec<String> {
    let mut readings = Readings(vec![text(body)]);
    readings.add(String::from_utf8_lossy(body).into_owned());
    for plain in readings.0.clone() {
        // What was sent in an older character set: only its ASCII is certain, and read as it is above.
        let json = readings.add_levels(&plain, |text| text.contains('\\'), unescape_json);
        let form = readings.add_form(&plain);
        readings.add_form(&json);
        readings.add_levels(&form, |text| text.contains('\\'), unescape_json);
        // A plus may be that of an address.
        readings.add_levels(&plain, |text| text.contains('%'), percent_decoded);
        readings.add(decode_entities(&plain));
    }
    readings.0
}

struct Readings(Vec<String>);

impl Readings {
    fn add(&mut self, text: String) {
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// Adds what a text becomes as its escapes are undone, again and again. Returns the last one.
    fn add_levels(
        &mut self,
        text: &str,
        is_escaped: impl Fn(&str) -> bool,
        undo: impl Fn(&str) -> String,
    ) -> String {
        let mut text = text.to_owned();
        for _ in 0..MAX_LEVELS {
            if !is_escaped(&text) {
                break;
            }
            text = undo(&text);
            self.add(text.clone());
        }
        text
    }

    /// Adds the readings of a form (`application/x-www-form-urlencoded`).
    fn add_form(&mut self, text: &str) -> String {
        let undo = |text: &str| percent_decoded(&pluses_as_spaces(text));
        let first = undo(text);
        self.add(first.clone());
        self.add_levels(&first, |text| text.contains('%'), undo)
    }
}

fn unpack(body: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let read = if body.starts_with(GZIP) {
        GzDecoder::new(body).take(MAX_UNPACKED).read_to_end(&mut unpacked)
    } else if matches!(body, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) {
        ZlibDecoder::new(body).take(MAX_UNPACKED).read_to_end(&mut unpacked)
    } else {
        return None;
    };
    // What was unpacked before a fault is readable as well.
    (read.is_ok() || !unpacked.is_empty()).then_some(unpacked)
}

/// UTF-16 by its byte order mark, or by a NUL in every other of the first bytes.
fn utf16(bytes: &[u8]) -> Option<String> {
    let is_zero = |odd: usize| {
        bytes.len() >= 8 && bytes.iter().take(8).skip(odd).step_by(2).all(|byte| *byte == 0)
    };
    let read: fn([u8; 2]) -> u16 = if bytes.starts_with(b"\xff\xfe") || is_zero(1) {
        u16::from_le_bytes
    } else if bytes.starts_with(b"\xfe\xff") || is_zero(0) {
        u16::from_be_bytes
    } else {
        return None;
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

/// Undoes the escapes of JSON wherever they stand: a body that is no JSON, or cut short, has them too.
fn unescape_json(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let push = |units: &mut Vec<u16>, c: char| units.extend(c.encode_utf16(&mut [0; 2]).iter());
    while let Some(c) = chars.next() {
        if c != '\\' {
            push(&mut units, c);
            continue;
        }
        match chars.next() {
            Some('u') => {
                let digits: String = chars.clone().take(4).collect();
                match u16::from_str_radix(&digits, 16) {
                    Ok(unit) if digits.len() == 4 => {
                        units.push(unit);
                        chars.nth(3);
                    }
                    _ => push(&mut units, 'u'),
                }
            }
            // A number does not go on in the next line.
            Some('n' | 'r') => push(&mut units, '\n'),
            Some('t' | 'b' | 'f') => push(&mut units, ' '),
            Some(other) => push(&mut units, other),
            None => {}
        }
    }
    String::from_utf16_lossy(&units)
}

fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The spaces of a form's values, which it writes as `+`. Before an `@` as it stands, a plus is the address's own:
/// a form would have escaped the `@`.
fn pluses_as_spaces(text: &str) -> String {
    let mut chars: Vec<char> = Vec::with_capacity(text.len());
    let mut is_value = false;
    // Where the present word begins.
    let mut word = 0;
    for c in text.chars() {
        match c {
            '+' if is_value => {
                chars.push(' ');
                continue;
            }
            '@' => {
                let pluses = chars[word..].iter_mut().filter(|c| **c == ' ');
                pluses.for_each(|c| *c = '+');
                word = chars.len() + 1;
            }
            '.' | '_' | '-' | '%' => {}
            c if c.is_alphanumeric() => {}
            c => {
                is_value = c == '=' || is_value && !(c.is_whitespace() || "\"<>{}".contains(c));
                word = chars.len() + 1;
            }
        }
        chars.push(c);
    }
    chars.into_iter().collect()
}

/// Undoes the character references of HTML that an address may be hidden behind.
fn decode_entities(text: &str) -> String {
    if !text.contains("&#") && !text.contains("&commat;") {
        return text.to_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let near = rest.bytes().take(MAX_REFERENCE + 2).position(|byte| byte == b';');
        let reference = near.map(|end| &rest[1..end]);
        let decoded_char = reference.and_then(|name| match name {
            "commat" => Some('@'),
            "period" => Some('.'),
            "plus" => Some('+'),
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                code.ok().and_then(char::from_u32)
            }
        });
        match (decoded_char, reference) {
            (Some(c), Some(name)) => {
                decoded.push(c);
                rest = &rest[name.len() + 2..];
            }
            _ => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_through_every_escape() {
        let wanted = "jean@example.com";
        let utf16: Vec<u8> =
            r#"{"email":"jean@example.com"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut gzip = Vec::new();
        GzEncoder::new(&br#"{"email":"jean@example.com"}"#[..], Compression::fast())
            .read_to_end(&mut gzip)
            .expect("packed");
        let bodies: [&[u8]; 17] = [
            // An apostrophe is not escaped by `encodeURIComponent`.
            b"message=J'ai+un+souci,+%C3%A9crivez+%C3%A0+jean%40example.com",
            b"{\"email\":\"jean@example.com\"}",
            br#"{"email":"jean\u0040example.com"}"#,
            b"email=jean%40example.com&name=J",
            b"email=jean%2540example.com&email=%6aean%40example.com",
            br#"{"form":"email=jean%40example.com"}"#,
            b"<a href='mailto:jean&#64;example.com'>",
            b"message=Mon+adresse+est+jean%40example.com",
            b"email=+jean%40example.com",
            b"email=jean%252540example.com",
            br#"{"email":"jean\\u0040example.com"}"#,
            br#""{\"email\":\"jean\\u0040example.com\"}""#,
            // Taken for UTF-16 by its first bytes.
            b"\xff\xfeemail=jean@example.com",
            b"x\0x\0x\0x\0email=jean%40example.com",
            b"\xff\x00{\"email\":\"jean@example.com\" cut",
            &utf16,
            &gzip,
        ];
        for body in bodies {
            assert!(readings(body).iter().any(|text| text.contains(wanted)), "{body:?}");
        }
    }

    #[test]
    fn nothing_of_a_hostile_body_is_a_panic() {
        for body in [
            &b""[..],
            b"\\",
            b"\\u",
            b"\\uD83D",
            b"%",
            b"%4",
            b"&#;&#x;&#99999999;&",
            b"\x1f\x8b",
            b"x\x9c",
            b"\xff\xfe\x00",
        ] {
            assert!(!readings(body).is_empty());
        }
    }

    #[test]
    fn a_body_of_ampersands_took_minutes() {
        let hostile = format!("&#{}", "&".repeat(4 << 20));
        assert_eq!(decode_entities(&hostile), hostile);
    }

    #[test]
    fn a_plus_is_a_space_in_a_form_and_a_sign_in_an_address() {
        for (text, expected) in [
            ("tel=06+12+34&to=a+b", "tel=06 12 34&to=a b"),
            ("a=x+y+jean+tag@example.com+z", "a=x+y+jean+tag@example.com z"),
            ("m=C'est+urgent,+le+06+12", "m=C'est urgent, le 06 12"),
            ("{\"email\":\"jean+tag@example.com\"}", "{\"email\":\"jean+tag@example.com\"}"),
            ("<a href=\"?q=a+b\">1+1</a>", "<a href=\"?q=a b\">1+1</a>"),
        ] {
            assert_eq!(pluses_as_spaces(text), expected);
        }
    }

    use flate2::Compression;
    use flate2::read::GzEncoder;
}
