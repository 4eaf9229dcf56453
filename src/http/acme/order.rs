//! One order: the account, the validation of each host name by TLS-ALPN-01 (RFC 8737), the certificate.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::app::certificate::acme_folder::AcmeFolder;
use crate::app::certificate::pem_pair::{PemPair, ServerCertificate};
use crate::app::certificate::store::{CertificateStore, Challenges};
use crate::config::acme::AcmeConfig;
use crate::http::acme::account::{self, blocking};
use crate::http::acme::client::AcmeClient;
use crate::http::acme::error::AcmeError;

/// How the authority is asked whether it is done. What it says in `Retry-After` comes first.
const POLLING: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(300))
    .backoff(1.5)
    .timeout(Duration::from_secs(180));

/// A certificate that was issued, and its text with the key, to be stored.
pub(crate) struct Issued {
    pub(crate) certificate: ServerCertificate,
    pub(crate) pem: String,
}

/// Orders a certificate for all host names of the settings.
pub(crate) async fn order(
    folder: &AcmeFolder,
    config: &AcmeConfig,
    client: &AcmeClient,
    store: &CertificateStore,
) -> Result<Issued, AcmeError> {
    // Nothing is asked of the authority that could not be kept.
    blocking(folder, AcmeFolder::try_write).await?;
    let account = account::open(folder, config, client).await?;
    let mut order = match new_order(&account, config).await {
        Err(error) if error.is_unknown_account() => {
            tracing::warn!(%error, "the authority does not know the ACME account; another one is made");
            new_order(&account::create(folder, config, client).await?, config).await?
        }
        other => other?,
    };
    let challenges = store.challenges();
    validate(&mut order, &challenges).await?;
    drop(challenges);
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&POLLING).await?;
    issued(&key, &chain, config)
}

async fn new_order(account: &Account, config: &AcmeConfig) -> Result<Order, AcmeError> {
    let names: Vec<Identifier> = config.domains.iter().cloned().map(Identifier::Dns).collect();
    Ok(account.new_order(&NewOrder::new(&names)).await?)
}

/// Proves to the authority that this server answers for each host name.
async fn validate(order: &mut Order, challenges: &Challenges) -> Result<(), AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        // Others are valid already, or make the order fail.
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let host = authorization.identifier().to_string();
        let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
        let mut challenge = challenge.ok_or_else(|| AcmeError::NoChallenge(host.clone()))?;
        let digest = challenge.key_authorization().digest().as_ref().to_vec();
        challenges.add(&host, challenge_certificate(&host, &digest)?);
        challenge.set_ready().await?;
    }
    if order.state().status != OrderStatus::Ready {
        let polled = order.poll_ready(&POLLING).await;
        if order.state().status == OrderStatus::Invalid {
            return Err(why_invalid(order).await?);
        }
        polled?;
    }
    Ok(())
}

/// What the authority says of the first host name that it could not validate, or else of the order.
async fn why_invalid(order: &mut Order) -> Result<AcmeError, instant_acme::Error> {
    let of_order = order.state().error.clone();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let state = authorization.refresh().await?;
        let host = state.identifier().to_string();
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            let cause = problem.detail.clone().unwrap_or_else(|| problem.to_string());
            return Ok(AcmeError::Validation { host, cause });
        }
    }
    Ok(of_order.map_or(AcmeError::Invalid, |problem| instant_acme::Error::Api(problem).into()))
}

/// The certificate by which a host name is validated: signed by itself, with the digest that the authority
/// expects (RFC 8737, section 3).
fn challenge_certificate(host: &str, digest: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::sign::any_ecdsa_type(&key);
    let key = key.map_err(|error| AcmeError::Unusable(error.to_string()))?;
    // Not `from_der`: it refuses the extension with the digest, which it does not know.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// Checks what the authority has issued.
fn issued(key: &str, chain: &str, config: &AcmeConfig) -> Result<Issued, AcmeError> {
    let pem = format!("{}\n{}\n", key.trim_end(), chain.trim_end());
    let certificate = PemPair::of_text(&pem).parse();
    let certificate = certificate.map_err(|error| AcmeError::Unusable(error.to_string()))?;
    match config.domains.iter().find(|host| !certificate.is_for(host)) {
        Some(host) => Err(AcmeError::Unusable(format!("it is not for {host}"))),
        None => Ok(Issued { certificate, pem }),
    }
}
