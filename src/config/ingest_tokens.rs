//! The bearer tokens of the site: configured, or generated at the first start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::secret::{Secret, TokenDigest};

pub(crate) const NAME: &str = "FASTCORE_SITE_INGEST_TOKEN";
pub(crate) const PREVIOUS: &str = "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS";

/// The tokens that the site may use, and where they come from.
#[derive(Debug, Clone, Default)]
pub struct IngestTokens {
    accepted: Vec<TokenDigest>,
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
        self.warnings.extend(secret.check_strength(name, is_exposed)?);
        self.accepted.push(secret.digest());
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
        self.accepted.push(secret.digest());
        self.token_file = Some(path);
        Ok(())
    }

    /// Whether the token of this digest is accepted.
    pub(crate) fn contains(&self, token: &TokenDigest) -> bool {
        self.accepted.contains(token)
    }

    /// Whether a token is accepted, compared in constant time.
    #[must_use]
    pub fn accepts(&self, token: &[u8]) -> bool {
        // All are compared, whichever it is.
        self.accepted.iter().fold(false, |is_one, accepted| is_one | accepted.is(token))
    }
}

/// The token that a client on this machine sends: the configured one, or the one next to the database.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn token_to_send(environment: &Environment, database: &Path) -> Result<Secret, ConfigError> {
    if let Some(secret) = Secret::find(environment, NAME)? {
        return Ok(secret);
    }
    let file = generated_file(database);
    if file.exists() {
        return Secret::read(NAME, &file);
    }
    Err(ConfigError::new(format_args!(
        "{NAME}: not set, and there is no {}; it takes the token with which the site sends leads",
        file.display()
    )))
}

/// Where a generated token is stored.
fn generated_file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".ingest-token");
    PathBuf::from(name)
}
