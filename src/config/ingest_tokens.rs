//! The bearer tokens of the site: configured, or generated at the first start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::secret::Secret;

pub(crate) const NAME: &str = "FASTCORE_SITE_INGEST_TOKEN";
pub(crate) const PREVIOUS: &str = "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS";

/// The tokens that the site may use, and where they come from.
#[derive(Debug, Clone, Default)]
pub struct IngestTokens {
    accepted: Vec<[u8; 32]>,
    /// Whether no current token is configured.
    missing: bool,
    /// The file next to the database, where no token is configured.
    pub token_file: Option<PathBuf>,
    /// Whether that file was written by this start.
    pub generated: bool,
    pub warnings: Vec<String>,
}

impl IngestTokens {
    /// The configured tokens. Weak ones are refused where others than this machine reach the server.
    pub(crate) fn configured(
        environment: &Environment,
        is_exposed: bool,
    ) -> Result<Self, ConfigError> {
        let mut tokens = Self::default();
        for name in [NAME, PREVIOUS] {
            tokens.warnings.extend(Secret::shadowed(environment, name)?);
        }
        match Secret::find(environment, NAME)? {
            Some(secret) => tokens.accept(NAME, &secret, is_exposed)?,
            None => tokens.missing = true,
        }
        if let Some(secret) = Secret::find(environment, PREVIOUS)? {
            tokens.accept(PREVIOUS, &secret, is_exposed)?;
        }
        Ok(tokens)
    }

    /// Fails where no token is configured: one that an earlier start has generated counts only once the
    /// configuration names it. `exposed` says why one is required.
    pub(crate) fn require(&self, exposed: &str, database: &Path) -> Result<(), ConfigError> {
        if !self.missing {
            return Ok(());
        }
        let database = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
        let file = generated_file(&database);
        let generated = match file.exists() {
            true => format!("; {NAME}_FILE={} keeps the generated one in use", file.display()),
            false => String::new(),
        };
        Err(ConfigError::new(format_args!(
            "{NAME}: not set, and {exposed}, which is not loopback; it takes a token of at least 32 \
             characters, such as `fastcore token` prints{generated}"
        )))
    }

    /// Where no token is configured, uses the one in the file next to the database, and generates
    /// that first if it does not exist; `create` writes a new file.
    pub(crate) fn or_generate(
        mut self,
        database: &Path,
        create: impl FnOnce(&Path, &str) -> io::Result<()>,
    ) -> Result<Self, ConfigError> {
        if self.missing {
            self.use_token_file(database, create)?;
        }
        Ok(self)
    }

    fn accept(&mut self, name: &str, secret: &Secret, is_exposed: bool) -> Result<(), ConfigError> {
        if let Some(weakness) = secret.weakness() {
            let text = format!("{name} {weakness}; `fastcore token` prints a strong one");
            if is_exposed {
                return Err(ConfigError::new(text));
            }
            self.warnings.push(text);
        }
        self.accepted.push(digest(secret.reveal().as_bytes()));
        Ok(())
    }

    fn use_token_file(
        &mut self,
        database: &Path,
        create: impl FnOnce(&Path, &str) -> io::Result<()>,
    ) -> Result<(), ConfigError> {
        let path = generated_file(database);
        let fail = |e: io::Error| {
            ConfigError::new(format_args!(
                "{}: the ingest token cannot be stored: {e}",
                path.display()
            ))
        };
        let secret = if path.exists() {
            Secret::read(NAME, &path)?
        } else {
            let secret = Secret::random().map_err(fail)?;
            self.generated = true;
            create(&path, secret.reveal()).map_err(fail)?;
            secret
        };
        self.accepted.push(digest(secret.reveal().as_bytes()));
        self.token_file = Some(path);
        Ok(())
    }

    /// Whether a token is accepted, compared in constant time.
    #[must_use]
    pub fn accepts(&self, token: &[u8]) -> bool {
        let token = digest(token);
        let equal = |accepted: &[u8; 32]| accepted.ct_eq(&token);
        self.accepted.iter().map(equal).fold(subtle::Choice::from(0), |a, b| a | b).into()
    }
}

/// Where a generated token is stored.
fn generated_file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".ingest-token");
    PathBuf::from(name)
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
