//! Content negotiation by `Accept-Encoding`.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// Whether a client accepts a content coding (RFC 9110, section 12.5.3).
pub(crate) fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    let mut any_other = false;
    for item in lists.flat_map(|list| list.split(',')) {
        let (name, rest) = item.split_once(';').unwrap_or((item, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), |q| q.trim().parse::<f32>());
        let accepted = weight.is_ok_and(|q| q > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case(coding) => return accepted,
            "*" => any_other = accepted,
            _ => {}
        }
    }
    any_other
}
