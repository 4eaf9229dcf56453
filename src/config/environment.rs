//! The variables of the process and of the `.env` file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::env_file;
use crate::config::error::ConfigError;

/// All variables; a secret `X` may be given as `X_FILE` or as a systemd credential.
pub(crate) const KNOWN: [&str; 44] = [
    "DATABASE_URL",
    "LOG_LEVEL",
    "DEBUG",
    "FASTCORE_LISTEN",
    "FASTCORE_SITE_INGEST_TOKEN",
    "FASTCORE_SITE_INGEST_TOKEN_FILE",
    "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS",
    "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS_FILE",
    "FASTCORE_CORS_ORIGINS",
    "FASTCORE_ALLOW_PLAINTEXT",
    "FASTCORE_PUBLIC_URL",
    "FASTCORE_TRUSTED_PROXIES",
    "FASTCORE_LOG_FORMAT",
    "FASTCORE_DISK_RESERVE",
    "FASTCORE_BACKUP_DIR",
    "FASTCORE_BACKUP_EVERY",
    "FASTCORE_BACKUP_KEEP",
    "FASTCORE_RETENTION",
    "FASTCORE_CANARY_EVERY",
    "FASTCORE_REFUSED_RETENTION",
    "FASTCORE_TLS_CERT",
    "FASTCORE_TLS_KEY",
    "FASTCORE_REDIRECT_LISTEN",
    "FASTCORE_ACME_DOMAINS",
    "FASTCORE_ACME_EMAIL",
    "FASTCORE_ACME_DIRECTORY",
    "FASTCORE_ACME_CA",
    "FASTCORE_METRICS_TOKEN",
    "FASTCORE_METRICS_TOKEN_FILE",
    "FASTCORE_SMTP_URL",
    "FASTCORE_SMTP_URL_FILE",
    "FASTCORE_MAIL_FROM",
    "FASTCORE_NOTIFY_EMAIL",
    "FASTCORE_NOTIFY_WEBHOOK",
    "FASTCORE_NOTIFY_WEBHOOK_FILE",
    "FASTCORE_ALERT_EMAIL",
    "FASTCORE_ALERT_WEBHOOK",
    "FASTCORE_ALERT_WEBHOOK_FILE",
    "FASTCORE_SILENCE_AFTER",
    "FASTCORE_DIGEST_AT",
    "FASTCORE_WEBHOOK_SECRET",
    "FASTCORE_WEBHOOK_SECRET_FILE",
    "FASTCORE_NOTIFY_CONTENT",
    "FASTCORE_NOTIFY_LANGUAGE",
];

/// The variables that contain a secret.
const SECRETS: [&str; 7] = [
    "FASTCORE_SITE_INGEST_TOKEN",
    "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS",
    "FASTCORE_METRICS_TOKEN",
    "FASTCORE_SMTP_URL",
    "FASTCORE_NOTIFY_WEBHOOK",
    "FASTCORE_ALERT_WEBHOOK",
    "FASTCORE_WEBHOOK_SECRET",
];
const ENV_FILE: &str = ".env";

/// A snapshot of the variables, taken once.
#[derive(Default, Clone)]
pub struct Environment {
    process: BTreeMap<String, OsString>,
    file: BTreeMap<String, String>,
    /// What a server has left for commands that run without its variables.
    server: BTreeMap<String, String>,
}

/// A file with a secret that other users may read.
#[derive(Debug, Clone)]
pub struct ExposedFile {
    pub detail: String,
    pub hint: String,
}

impl ExposedFile {
    /// The file, if it exists and other users may read it; `name` is the setting of its secret.
    #[must_use]
    pub fn find(path: &Path, name: &str) -> Option<Self> {
        let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
        // Only a path that exists is shown: by mistake, it may be the secret itself.
        let path = path.display();
        let detail =
            format!("{path} has the secret of {name}, and others can read it (mode {mode:03o})");
        let hint = format!("chmod o= '{path}'");
        (mode & 0o004 != 0).then_some(Self { detail, hint })
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

impl Environment {
    /// Reads the process's variables, and the `.env` file in the working directory, if there is one.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub fn load() -> Result<Self, ConfigError> {
        Ok(Self { file: env_file::read(Path::new(ENV_FILE))?, ..Self::of_process() })
    }

    /// Reads the process's variables alone.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader")]
    pub fn of_process() -> Self {
        let process = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self { process, ..Self::default() }
    }

    /// An environment with these variables alone.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let process = variables.iter().map(|(n, v)| ((*n).to_owned(), OsString::from(v))).collect();
        Self { process, ..Self::default() }
    }

    /// These variables, and for what they do not set, those of a server.
    #[must_use]
    pub fn with_server_settings(&self, settings: BTreeMap<String, String>) -> Self {
        Self { server: settings, ..self.clone() }
    }

    /// A variable's value; an empty one counts as unset.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        match self.process(name)? {
            Some(value) => Ok(Some(value)),
            None => Ok(self.file(name).or_else(|| self.server.get(name).map(String::as_str))),
        }
    }

    /// Where the value of a variable comes from.
    pub(crate) fn source_of(&self, name: &str) -> Result<&'static str, ConfigError> {
        Ok(match (self.process(name)?, self.file(name)) {
            (Some(_), _) => "environment",
            (None, Some(_)) => ENV_FILE,
            (None, None) => "the server's last start",
        })
    }

    /// Whether a variable is set and not empty.
    ///
    /// # Errors
    /// Its value is not UTF-8.
    pub fn is_set(&self, name: &str) -> Result<bool, ConfigError> {
        Ok(self.get(name)?.is_some())
    }

    pub(crate) fn process(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let value = self.process.get(name).map(|v| v.to_str().ok_or(name)).transpose();
        let value =
            value.map_err(|n| ConfigError::new(format_args!("{n}: its value is not UTF-8")))?;
        Ok(value.filter(|v| !v.is_empty()))
    }

    pub(crate) fn file(&self, name: &str) -> Option<&str> {
        self.file.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A warning for each unknown `FASTCORE_…` variable, with the nearest known name.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let mut names: Vec<&String> = self.process.keys().chain(self.file.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter(|n| n.starts_with("FASTCORE_") && !known(n))
            .map(|name| {
                let near = KNOWN.iter().min_by_key(|k| strsim::damerau_levenshtein(k, name));
                format!("{name} is an unknown setting; did you mean {}?", near.unwrap_or(&""))
            })
            .collect()
    }

    /// The files with secrets that other users may read: `.env`, and what a variable `X_FILE` names.
    #[must_use]
    pub fn exposed_files(&self) -> Vec<ExposedFile> {
        let secret = SECRETS.into_iter().find(|name| self.file(name).is_some());
        let in_env_file = secret.map(|name| (Path::new(ENV_FILE), name.to_owned()));
        let names = SECRETS.map(|name| format!("{name}_FILE"));
        let named = names.iter().filter_map(|name| {
            let path = self.get(name).ok().flatten()?;
            Some((Path::new(path), name.clone()))
        });
        let exposed = |(path, name): (&Path, String)| ExposedFile::find(path, &name);
        in_env_file.into_iter().chain(named).filter_map(exposed).collect()
    }
}

fn known(name: &str) -> bool {
    KNOWN.contains(&name)
}
