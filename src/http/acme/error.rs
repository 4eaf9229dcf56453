//! Why there is no new certificate.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

/// The cause in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The authority answers with an error, or not at all.
    #[error("{}", describe(.0))]
    Authority(#[from] instant_acme::Error),
    /// What the authority has seen of this host is not what it asked for.
    #[error("the authority cannot validate {host}: {cause}")]
    Validation { host: String, cause: String },
    #[error("the authority says that the order is invalid, and not why")]
    Invalid,
    #[error("the authority offers no validation of {0} by TLS-ALPN-01")]
    NoChallenge(String),
    #[error("the certificate from the authority cannot be used: {0}")]
    Unusable(String),
    #[error("a key could not be made: {0}")]
    Key(#[from] rcgen::Error),
    /// With the path.
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Roots(String),
    #[error("the attempt ended early")]
    Ended,
}

impl AcmeError {
    /// How long the authority asks to wait before the order is looked at again.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Authority(instant_acme::Error::Timeout(Some(at))) => {
                Some(Instant::from_std(*at).saturating_duration_since(Instant::now()))
            }
            _ => None,
        }
    }

    /// Whether the authority does not know the account any more.
    pub(crate) fn is_unknown_account(&self) -> bool {
        self.has_type("accountDoesNotExist")
    }

    /// Whether only the number that makes each request unique was refused: nobody has done anything wrong.
    pub(crate) fn is_bad_nonce(&self) -> bool {
        self.has_type("badNonce")
    }

    /// Whether it is a problem of this type (RFC 8555, section 6.7).
    fn has_type(&self, name: &str) -> bool {
        let Self::Authority(instant_acme::Error::Api(problem)) = self else { return false };
        problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()) == Some(name)
    }
}

fn describe(error: &instant_acme::Error) -> String {
    match error {
        instant_acme::Error::Api(problem) => {
            let parts = problem.subproblems.iter().map(ToString::to_string);
            let detail = problem.detail.clone().unwrap_or_else(|| "no detail".to_owned());
            let all: Vec<String> = std::iter::once(detail).chain(parts).collect();
            let kind = problem.r#type.as_deref().unwrap_or("no type");
            format!("the authority refuses: {} ({kind})", all.join("; "))
        }
        instant_acme::Error::Json(_) => "the authority's answer is not of ACME".to_owned(),
        other => other.to_string(),
    }
}
