//! A certificate with its chain and its private key, from two PEM files.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::app::certificate::validity::Validity;

/// Bytes of a PEM file, at most: a larger one is a mistake.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The paths of the files.
#[derive(Debug, Clone)]
pub struct PemPaths {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The content of the files.
pub struct PemPair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for PemPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PemPair")
    }
}

/// A certificate that can be served.
#[derive(Debug, Clone)]
pub struct ServerCertificate {
    pub validity: Validity,
    pub(crate) key: Arc<CertifiedKey>,
}

/// Why a pair of files cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("{path}: {cause}")]
    Unreadable { path: String, cause: String },
    #[error("the certificate file has no certificate in PEM, or is incomplete")]
    NoCertificate,
    #[error("the key file has no private key in PEM, is incomplete, or has a passphrase")]
    NoKey,
    #[error("the key does not belong to the first certificate of the certificate file")]
    Mismatch,
    #[error("the certificate or key is of a kind that is not supported: {0}")]
    Unsupported(String),
    /// Valid at another time.
    #[error("{0}")]
    NotNow(String),
}

impl PemPaths {
    /// Reads both files.
    ///
    /// # Errors
    /// [`CertificateError::Unreadable`].
    pub fn read(&self) -> Result<PemPair, CertificateError> {
        let read = |path: &Path| {
            read_limited(path).map_err(|error| CertificateError::Unreadable {
                path: path.display().to_string(),
                cause: error.to_string(),
            })
        };
        Ok(PemPair { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_FILE_BYTES => Ok(bytes),
        _ => Err(io::Error::other("larger than 1 MiB")),
    }
}

impl PemPair {
    /// A certificate with its chain and its key, in one text.
    pub(crate) fn of_text(pem: &str) -> Self {
        Self { certificate: pem.into(), key: pem.into() }
    }

    /// Tells one content from another.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let digest = Sha256::new().chain_update(Sha256::digest(&self.certificate));
        digest.chain_update(&self.key).finalize().into()
    }

    /// The certificate, whenever it is valid.
    ///
    /// # Errors
    /// All but [`CertificateError::Unreadable`] and [`CertificateError::NotNow`].
    pub fn parse(&self) -> Result<ServerCertificate, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.map_err(|_| CertificateError::NoCertificate)?;
        let leaf = chain.first().ok_or(CertificateError::NoCertificate)?;
        let validity = validity(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| CertificateError::NoKey)?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let key = key.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => CertificateError::Mismatch,
            other => CertificateError::Unsupported(other.to_string()),
        })?;
        Ok(ServerCertificate { validity, key: Arc::new(key) })
    }
}

impl ServerCertificate {
    /// Whether clients accept it for a host name or address.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let leaf = self.key.end_entity_cert().ok();
        let leaf = leaf.and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
        let name = ServerName::try_from(host.trim_matches(['[', ']'])).ok();
        leaf.zip(name).is_some_and(|(leaf, name)| verify_server_name(&leaf, &name).is_ok())
    }
}

fn validity(leaf: &CertificateDer<'_>) -> Result<Validity, CertificateError> {
    let unsupported = |error: &dyn fmt::Display| CertificateError::Unsupported(error.to_string());
    let leaf = Certificate::from_der(leaf).map_err(|error| unsupported(&error))?;
    let period = leaf.tbs_certificate().validity();
    let time = |time: x509_cert::time::Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
        let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        time.ok_or_else(|| unsupported(&"its period of validity"))
    };
    Ok(Validity { not_before: time(period.not_before)?, not_after: time(period.not_after)? })
}
