//! Secrets: never a flag, never logged.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;

/// Characters of a strong token, at least: 32 hexadecimal digits are 128 bits.
const MIN_STRONG_LEN: usize = 32;
/// Bytes of a secret file, at most: a larger one is a mistake.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Parts of the placeholders in examples, which everybody knows.
const PLACEHOLDERS: [&str; 8] = [
    "changeme",
    "change-me",
    "secret",
    "token",
    "example",
    "placeholder",
    "your-token",
    "your-secret",
];

/// A secret text. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(String);

/// The digest of a token, to compare others with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether a token is the one of this digest, compared in constant time.
    #[must_use]
    pub fn is(&self, token: &[u8]) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Parses a secret: trimmed, not empty, printable ASCII, so that it can be sent in a header.
    fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::new(format_args!(
                "{name}: its value is not accepted; it takes printable ASCII characters without \
                 spaces, such as those of `fastcore token`"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// 256 random bits as 64 hexadecimal digits.
    ///
    /// # Errors
    /// The system's random number generator fails.
    pub fn random() -> io::Result<Self> {
        let word = || SysRng.try_next_u64().map_err(|e| io::Error::other(e.to_string()));
        let (a, b, c, d) = (word()?, word()?, word()?, word()?);
        Ok(Self(format!("{a:016x}{b:016x}{c:016x}{d:016x}")))
    }

    pub(crate) fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.as_bytes())
    }

    /// The text itself, to print it on request.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Why it is easy to guess, if it is.
    fn weakness(&self) -> Option<&'static str> {
        let lower = self.0.to_ascii_lowercase();
        if PLACEHOLDERS.iter().any(|p| lower.contains(p)) {
            Some("is a placeholder from an example")
        } else if self.0.len() < MIN_STRONG_LEN {
            Some("is shorter than 32 characters")
        } else {
            None
        }
    }

    /// A warning where it is easy to guess; an error where others than this machine reach the server.
    pub(crate) fn check_strength(
        &self,
        name: &str,
        is_exposed: bool,
    ) -> Result<Option<String>, ConfigError> {
        let weakness = self.weakness();
        let text =
            weakness.map(|text| format!("{name} {text}; `fastcore token` prints a strong one"));
        match text {
            Some(text) if is_exposed => Err(ConfigError::new(text)),
            text => Ok(text),
        }
    }

    /// Looks a secret up in the process's environment, as a systemd credential, and in the `.env`
    /// file. In the first and the last it is `X` or, as the path of a file, `X_FILE`.
    pub(crate) fn find(environment: &Environment, name: &str) -> Result<Option<Self>, ConfigError> {
        let file = format!("{name}_FILE");
        let values = (environment.process(name)?, environment.process(&file)?);
        if let Some(secret) = Self::from_values(name, values)? {
            return Ok(Some(secret));
        }
        if let Some(folder) = environment.process("CREDENTIALS_DIRECTORY")? {
            let path = Path::new(folder).join(name.to_ascii_lowercase());
            if path.exists() {
                return Self::read(name, &path).map(Some);
            }
        }
        Self::from_values(name, (environment.file(name), environment.file(&file)))
    }

    /// The places where a secret is given; the first is used.
    pub(crate) fn places(
        environment: &Environment,
        name: &str,
    ) -> Result<Vec<String>, ConfigError> {
        let file = format!("{name}_FILE");
        let mut places = Vec::new();
        for name in [name, &file] {
            if environment.process(name)?.is_some() {
                places.push(format!("the environment variable {name}"));
            }
        }
        if let Some(folder) = environment.process("CREDENTIALS_DIRECTORY")? {
            let credential = name.to_ascii_lowercase();
            if Path::new(folder).join(&credential).exists() {
                places.push(format!("the systemd credential {credential}"));
            }
        }
        for name in [name, &file] {
            if environment.file(name).is_some() {
                places.push(format!("{name} in .env"));
            }
        }
        Ok(places)
    }

    /// A warning where a secret is given in several places: only the first is used.
    pub(crate) fn shadowed(
        environment: &Environment,
        name: &str,
    ) -> Result<Option<String>, ConfigError> {
        let places = Self::places(environment, name)?;
        let Some((used, ignored)) = places.split_first().filter(|(_, more)| !more.is_empty())
        else {
            return Ok(None);
        };
        let ignored = ignored.join(" and ");
        Ok(Some(format!("{used} is used, and {ignored} is ignored; remove what is not meant")))
    }

    /// From the values of `X` and `X_FILE`.
    fn from_values(
        name: &str,
        values: (Option<&str>, Option<&str>),
    ) -> Result<Option<Self>, ConfigError> {
        match values {
            (Some(_), Some(_)) => Err(ConfigError::new(format_args!(
                "{name}: {name} and {name}_FILE are both set; keep one"
            ))),
            (Some(text), None) => Self::parse(name, text).map(Some),
            (None, Some(path)) => Self::read(&format!("{name}_FILE"), Path::new(path)).map(Some),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn read(name: &str, path: &Path) -> Result<Self, ConfigError> {
        // Without the path: by mistake, it may be the secret itself.
        let fail = |cause: &dyn fmt::Display| {
            ConfigError::new(format_args!(
                "{name}: the file that it names: {cause}; it takes the path of a file that contains \
                 the secret"
            ))
        };
        let meta = fs::metadata(path).map_err(|e| fail(&e))?;
        if !meta.is_file() || meta.len() > MAX_FILE_BYTES {
            return Err(fail(&"not a regular file of at most 64 KiB"));
        }
        Self::parse(name, &fs::read_to_string(path).map_err(|e| fail(&e))?)
    }
}
