//! Host names of the public Internet.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// A host name of at least two labels, in ASCII and lower case: `leads.example.com`, or `xn--9ca.fr` for `é.fr`.
/// No address, no wildcard, no dot at the end.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let ascii = to_ascii(text).ok()?;
    let (_, top) = ascii.rsplit_once('.')?;
    let is_number = top.bytes().all(|b| b.is_ascii_digit());
    (!is_number && !ascii.contains('*')).then(|| ascii.into_owned())
}

/// A domain name as DNS has it.
pub(crate) fn to_ascii(domain: &str) -> Result<Cow<'_, str>, idna::Errors> {
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    Uts46::new().to_ascii(domain.as_bytes(), deny, hyphens, DnsLength::Verify)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_public_internet_are_accepted_and_nothing_else() {
        for (text, name) in [
            ("leads.example.com", "leads.example.com"),
            ("LEADS.Example.COM", "leads.example.com"),
            ("é.fr", "xn--9ca.fr"),
            ("a.b", "a.b"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(name));
        }
        let long = format!("{}.example.com", "a".repeat(64));
        let longer = format!("{}com", "a.".repeat(150));
        for text in [
            "",
            ".",
            "-",
            "localhost",
            "*.example.com",
            "127.0.0.1",
            "::1",
            "[::1]",
            "-a.example.com",
            "a-.example.com",
            "a..example.com",
            ".example.com",
            "example.com.",
            "a b.example.com",
            "https://example.com",
            "example.com:443",
            "a_b.example.com",
            "example.1",
            &long,
            &longer,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
