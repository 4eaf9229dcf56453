//! E-mail addresses as mail providers accept them.

use std::fmt;

use idna::uts46::{AsciiDenyList, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use crate::domain::host_name;
use crate::domain::search::fold::fold;
use crate::domain::text;

/// The maximum number of octets before the `@` (RFC 5321, section 4.5.3.1.1).
const LOCAL_OCTETS: usize = 64;
/// The maximum number of octets of an address: a path of 256 less its angle brackets (RFC 5321, 4.5.3.1.3).
const ADDRESS_OCTETS: usize = 254;

/// One address whose domain has a dot; the domain is in lower case. `Debug` masks it.
///
/// Accepted: dot-atoms (RFC 5321), with Unicode (RFC 6531), at a domain name (IDNA, UTS #46).
/// Refused, as mail providers do: quoted local parts, comments, address literals.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Parses a trimmed address.
    ///
    /// # Errors
    /// What is wrong, without quoting the address.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (local, domain) =
            text.rsplit_once('@').ok_or("an address has an @ between the name and the domain")?;
        check_local(local)?;
        let address = format!("{local}@{}", normalize_domain(domain)?);
        if address.len() > ADDRESS_OCTETS {
            return Err("the address is longer than 254 octets");
        }
        Ok(Self(address))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first three characters and `***`: all that an audit row may contain.
    #[must_use]
    pub fn masked(&self) -> String {
        mask(&self.0)
    }
}

/// Masks an address: the first three characters and `***`.
#[must_use]
pub fn mask(address: &str) -> String {
    address.chars().take(3).chain("***".chars()).collect()
}

/// The form in which addresses are compared: case and Unicode form do not count, so that `A.B@é.fr` and
/// `a.b@xn--9ca.fr` are equal.
#[must_use]
pub fn match_key(address: &str) -> String {
    let caseless = |text: &str| text.nfkc().collect::<String>().to_lowercase().nfkc().collect();
    let Some((local, domain)) = address.rsplit_once('@') else {
        return caseless(address);
    };
    let local: String = caseless(local);
    let ascii = host_name::to_ascii(domain);
    format!("{local}@{}", ascii.unwrap_or_else(|_| domain.to_lowercase().into()))
}

/// A form that addresses share which a person may have written for one another: without accents, and before
/// the `@` without dots and `+tag`.
#[must_use]
pub fn near_key(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let local = local.split('+').next().unwrap_or_default().replace('.', "");
    let (domain, _) =
        Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    format!("{}@{}", fold(&local), fold(&domain))
}

/// The address with its domain in the other of its two spellings, `é.fr` and `xn--9ca.fr`, if it has two.
pub(crate) fn other_spelling(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let other = if domain.is_ascii() {
        Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow).0
    } else {
        host_name::to_ascii(domain).ok()?
    };
    (other != domain).then(|| format!("{local}@{other}"))
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() {
        return Err("there is nothing before the @");
    }
    if local.len() > LOCAL_OCTETS {
        return Err("the part before the @ is longer than 64 octets");
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err("the part before the @ may not start or end with a dot, nor have two in a row");
    }
    if local.chars().all(|c| c == '.' || is_atext(c)) {
        Ok(())
    } else {
        Err("the part before the @ has a character that mail providers do not accept")
    }
}

/// `atext` of RFC 5322, with every visible character beyond ASCII (RFC 6531).
fn is_atext(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_control() && !c.is_whitespace() && !text::breaks_line(c) && !text::is_invisible(c)
    }
}

/// The domain in lower case, if it is a host name of at least two labels.
fn normalize_domain(domain: &str) -> Result<String, &'static str> {
    const INVALID: &str = "the part after the @ is not a domain name";
    let ascii = host_name::to_ascii(domain).map_err(|_| INVALID)?;
    let (_, top) =
        ascii.rsplit_once('.').ok_or("the part after the @ needs a dot, as in example.com")?;
    if top.bytes().all(|b| b.is_ascii_digit()) {
        return Err(INVALID);
    }
    if domain.is_ascii() {
        return Ok(domain.to_ascii_lowercase());
    }
    let (unicode, checked) =
        Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    checked.map_err(|_| INVALID)?;
    Ok(unicode.into_owned())
}
