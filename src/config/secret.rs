//! Secrets: never a flag, never logged, compared in constant time.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rand::TryRng as _;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::{ConfigError, Environment};

/// A shorter token is weak: 32 hexadecimal digits are 128 bits.
const STRONG: usize = 32;
/// Larger secret files are a mistake.
const LARGEST_FILE: u64 = 64 * 1024;
/// What stands in examples, and so is known to everyone.
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

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Reads a secret: trimmed, not empty, printable ASCII, so that it can stand in a header.
    fn new(name: &str, text: &str) -> Result<Self, ConfigError> {
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
    /// The system has no randomness to give.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0_u8; 32];
        rand::rngs::SysRng
            .try_fill_bytes(&mut bytes)
            .map_err(|e| io::Error::other(e.to_string()))?;
        Ok(Self(bytes.iter().map(|b| format!("{b:02x}")).collect()))
    }

    /// The text itself, to print it where a person asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What makes it easy to guess, if anything does.
    fn weakness(&self) -> Option<&'static str> {
        let lower = self.0.to_ascii_lowercase();
        if PLACEHOLDERS.iter().any(|p| lower.contains(p)) {
            Some("is a placeholder from an example")
        } else if self.0.len() < STRONG {
            Some("is shorter than 32 characters")
        } else {
            None
        }
    }

    /// Looks a secret up: the process's environment, a systemd credential, the `.env` file; in
    /// each as `X` or as `X_FILE`.
    pub(crate) fn find(environment: &Environment, name: &str) -> Result<Option<Self>, ConfigError> {
        let file = format!("{name}_FILE");
        let given = (environment.process(name)?, environment.process(&file)?);
        if let Some(secret) = Self::given(name, given)? {
            return Ok(Some(secret));
        }
        if let Some(folder) = environment.process("CREDENTIALS_DIRECTORY")? {
            let path = Path::new(folder).join(name.to_ascii_lowercase());
            if path.exists() {
                return Self::read(name, &path).map(Some);
            }
        }
        Self::given(name, (environment.file(name), environment.file(&file)))
    }

    fn given(name: &str, given: (Option<&str>, Option<&str>)) -> Result<Option<Self>, ConfigError> {
        match given {
            (Some(_), Some(_)) => Err(ConfigError::new(format_args!(
                "{name}: {name} and {name}_FILE are both set; keep one"
            ))),
            (Some(text), None) => Self::new(name, text).map(Some),
            (None, Some(path)) => Self::read(&format!("{name}_FILE"), Path::new(path)).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn read(name: &str, path: &Path) -> Result<Self, ConfigError> {
        // Not the path: by a slip, it may be the secret itself.
        let fail = |cause: &dyn fmt::Display| {
            ConfigError::new(format_args!(
                "{name}: the file that it names: {cause}; it takes the path of a file that holds \
                 the secret"
            ))
        };
        let meta = fs::metadata(path).map_err(|e| fail(&e))?;
        if !meta.is_file() || meta.len() > LARGEST_FILE {
            return Err(fail(&"not a file of a secret's size"));
        }
        Self::new(name, &fs::read_to_string(path).map_err(|e| fail(&e))?)
    }
}

/// The tokens that the site may use, and where the first came from.
#[derive(Debug, Clone, Default)]
pub struct IngestTokens {
    accepted: Vec<[u8; 32]>,
    /// Whether none is configured that is to be used from now on.
    lacking: bool,
    /// The file beside the database, where nothing was configured.
    pub kept_in: Option<PathBuf>,
    /// Whether that file was made just now.
    pub made: bool,
    pub warnings: Vec<String>,
}

impl IngestTokens {
    /// The configured tokens. Off loopback there must be one, and none that is easy to guess.
    pub(crate) fn configured(
        environment: &Environment,
        loopback: bool,
    ) -> Result<Self, ConfigError> {
        const NAME: &str = "FASTCORE_SITE_INGEST_TOKEN";
        const PREVIOUS: &str = "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS";
        let mut tokens = Self::default();
        match Secret::find(environment, NAME)? {
            Some(secret) => tokens.accept(NAME, &secret, loopback)?,
            None if loopback => tokens.lacking = true,
            None => {
                return Err(ConfigError::new(format_args!(
                    "{NAME}: not set, and the listen address is not loopback; it takes a token of \
                     at least 32 characters, such as `fastcore token` prints"
                )));
            }
        }
        if let Some(secret) = Secret::find(environment, PREVIOUS)? {
            tokens.accept(PREVIOUS, &secret, loopback)?;
        }
        Ok(tokens)
    }

    /// Where no token is configured, takes the one kept beside the database, and makes it first
    /// if need be.
    pub(crate) fn or_kept(mut self, database: &Path) -> Result<Self, ConfigError> {
        if self.lacking {
            self.keep(database)?;
        }
        Ok(self)
    }

    fn accept(&mut self, name: &str, secret: &Secret, loopback: bool) -> Result<(), ConfigError> {
        if let Some(weakness) = secret.weakness() {
            let text = format!("{name} {weakness}; `fastcore token` prints a good one");
            if !loopback {
                return Err(ConfigError::new(text));
            }
            self.warnings.push(text);
        }
        self.accepted.push(digest(secret.0.as_bytes()));
        Ok(())
    }

    fn keep(&mut self, database: &Path) -> Result<(), ConfigError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".ingest-token");
        let path = PathBuf::from(name);
        let fail = |e: io::Error| {
            ConfigError::new(format_args!(
                "{}: the ingest token cannot be kept: {e}",
                path.display()
            ))
        };
        let secret = if path.exists() {
            Secret::read("FASTCORE_SITE_INGEST_TOKEN", &path)?
        } else {
            let secret = Secret::random().map_err(fail)?;
            self.made = true;
            write_new(&path, secret.reveal()).map_err(fail)?;
            secret
        };
        self.accepted.push(digest(secret.0.as_bytes()));
        self.kept_in = Some(path);
        Ok(())
    }

    /// Whether this is one of the tokens. Takes the same time whatever it is.
    #[must_use]
    pub fn accepts(&self, given: &[u8]) -> bool {
        let given = digest(given);
        let equal = |token: &[u8; 32]| token.ct_eq(&given);
        self.accepted.iter().map(equal).fold(subtle::Choice::from(0), |a, b| a | b).into()
    }
}

/// Writes a file that is whole or not there, readable by its owner alone, never over another.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    fs::File::open(folder)?.sync_all()
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
