//! What `fastcore check` finds about the certificate of HTTPS.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::app::certificate::acme_folder::AcmeFolder;
use crate::app::certificate::pem_pair::{PemPaths, ServerCertificate};
use crate::app::status::finding::Finding;
use crate::app::status::thresholds::Level;

const RENEWAL_HINT: &str = "the host names must lead to this server's port 443 from everywhere; `journalctl -u fastcore` \
                            says what the authority wants, and `systemctl reload fastcore` tries again at once";

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
    by_level(&certificate, now, detail, hint)
}

/// The certificate that a server gets by itself for these host names, and the last failure to do so.
#[must_use]
pub fn acme_findings(folder: &AcmeFolder, domains: &[String], now: DateTime<Utc>) -> Vec<Finding> {
    let failure = folder.failure();
    let failed = failure.map(|failure| {
        let detail = format!("the certificate is not renewed: {}", failure.describe());
        Finding::warning("https", detail, RENEWAL_HINT)
    });
    let shown = folder.pem_paths().certificate;
    let shown = shown.display();
    let certificate = match folder.certificate() {
        Ok(Some(certificate)) => certificate,
        Ok(None) => {
            let detail = format!("there is no certificate for {} yet", domains.join(", "));
            let found = Finding::error("https", detail, RENEWAL_HINT);
            return std::iter::once(found).chain(failed).collect();
        }
        Err(error) => {
            let hint =
                "run the check as the service's user; a server that starts orders another one";
            return vec![Finding::error("https", format!("{shown}: {error}"), hint)];
        }
    };
    let found = match domains.iter().find(|host| !certificate.is_for(host)) {
        Some(host) => {
            let detail = format!("{shown} is not a certificate for {host}");
            Finding::error("https", detail, RENEWAL_HINT)
        }
        None => {
            let detail = format!("{shown}: {}", certificate.validity.describe(now));
            by_level(&certificate, now, detail, RENEWAL_HINT)
        }
    };
    std::iter::once(found).chain(failed).collect()
}

fn by_level(
    certificate: &ServerCertificate,
    now: DateTime<Utc>,
    detail: String,
    hint: &str,
) -> Finding {
    match certificate.validity.level(now) {
        Level::Ok => Finding::ok("https", detail),
        level => Finding::new(level, "https", detail, hint),
    }
}
