//! What `fastcore check` finds about the certificate of HTTPS.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::app::certificate::pem_pair::PemPaths;
use crate::app::status::finding::Finding;
use crate::app::status::thresholds::Level;

/// The certificate of a server that clients reach at this host.
#[must_use]
pub fn finding(paths: &PemPaths, host: Option<&str>, now: DateTime<Utc>) -> Finding {
    let shown = paths.certificate.display();
    let certificate = match paths.read().and_then(|pair| pair.parse()) {
        Ok(certificate) => certificate,
        Err(error) => {
            let hint = "run the check as the service's user, which must be able to read both files; else \
                        replace them by a certificate with its chain and its key, in PEM";
            return Finding::error("https", format!("{shown}: {error}"), hint);
        }
    };
    let is_name = |host: &&str| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    if let Some(host) = host.filter(is_name).filter(|host| !certificate.is_for(host)) {
        let detail = format!("{shown} is not a certificate for {host}");
        let hint = "set FASTCORE_PUBLIC_URL to the name that it is for, or get one for this name";
        return Finding::error("https", detail, hint);
    }
    let detail = format!("{shown}: {}", certificate.validity.describe(now));
    let hint = "renew it; the server uses the new files within ten seconds";
    match certificate.validity.level(now) {
        Level::Ok => Finding::ok("https", detail),
        level => Finding::new(level, "https", detail, hint),
    }
}
