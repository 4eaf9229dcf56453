//! The settings of `serve`.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;

use crate::config::canary::{CANARY_EVERY, canary_every};
use crate::config::certificate::{CertificateConfig, CertificateFlags};
use crate::config::database::{DISK_RESERVE, database_path, disk_reserve, size_text};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::https;
use crate::config::ingest_tokens::IngestTokens;
use crate::config::metrics_token::MetricsToken;
use crate::config::notices::{NoticeConfig, NoticeFlags, SILENCE_AFTER};
use crate::config::setting::Setting;
use crate::config::trusted_proxies::TrustedProxies;
use crate::config::web_url::{is_loopback, origins, public_url};
use crate::domain::silence::SilenceRule;

pub(crate) const LISTEN: Setting = Setting {
    variable: "FASTCORE_LISTEN",
    flag: "--listen",
    default: "127.0.0.1:8000",
    accepts: "an address and a port, such as 127.0.0.1:8000 or [::1]:8000",
};
pub(crate) const CORS_ORIGINS: Setting = Setting {
    variable: "FASTCORE_CORS_ORIGINS",
    flag: "--cors-origins",
    default: "https://fast-techservices.com,https://www.fast-techservices.com",
    accepts: "origins separated by commas, such as https://example.com",
};
pub(crate) const PUBLIC_URL: Setting = Setting {
    variable: "FASTCORE_PUBLIC_URL",
    flag: "--public-url",
    default: "",
    accepts: "a URL such as https://fastcore.example.com, without a path",
};

pub(crate) const BACKUP_DIR: Setting = Setting {
    variable: "FASTCORE_BACKUP_DIR",
    flag: "--backup-dir",
    default: "",
    accepts: "a folder",
};
pub(crate) const BACKUP_EVERY: Setting = Setting {
    variable: "FASTCORE_BACKUP_EVERY",
    flag: "--backup-every",
    default: "24h",
    accepts: "a length of time from 1s up, such as 24h or 30m",
};
pub(crate) const BACKUP_KEEP: Setting = Setting {
    variable: "FASTCORE_BACKUP_KEEP",
    flag: "--backup-keep",
    default: "14",
    accepts: "a whole number from 1 up",
};

pub(crate) const RETENTION: Setting = Setting {
    variable: "FASTCORE_RETENTION",
    flag: "--retention",
    default: "",
    accepts: "a length of time from 1d up, such as 1095d or 3y",
};

pub(crate) const REFUSED_RETENTION: Setting = Setting {
    variable: "FASTCORE_REFUSED_RETENTION",
    flag: "--refused-retention",
    default: "30d",
    accepts: "a length of time from 1d up, such as 30d, or 0 to keep none",
};

/// The flags of `serve`.
#[derive(Debug, Default, Clone)]
pub struct ServerFlags {
    pub database_url: Option<String>,
    pub listen: Option<String>,
    pub cors_origins: Option<String>,
    pub certificate: CertificateFlags,
    pub redirect_listen: Option<String>,
    pub allow_plaintext: Option<String>,
    pub public_url: Option<String>,
    pub trusted_proxies: Option<String>,
    pub disk_reserve: Option<String>,
    pub backup_dir: Option<String>,
    pub backup_every: Option<String>,
    pub backup_keep: Option<String>,
    pub retention: Option<String>,
    pub canary_every: Option<String>,
    pub refused_retention: Option<String>,
    pub notices: NoticeFlags,
}

/// The folder of scheduled backups, their interval, and how many are kept.
#[derive(Debug, Clone)]
pub struct BackupConfig {
    pub folder: PathBuf,
    pub every: Duration,
    pub keep: usize,
}

impl BackupConfig {
    /// Reads the settings; returns `None` without a folder, unless a value is bad.
    ///
    /// # Errors
    /// The first setting that is not accepted.
    pub fn load(
        environment: &Environment,
        flags: &ServerFlags,
    ) -> Result<Option<Self>, ConfigError> {
        let folder = |text: &str| Some(PathBuf::from(text));
        let folder = BACKUP_DIR.resolve(environment, flags.backup_dir.as_deref(), folder)?;
        let every = BACKUP_EVERY.resolve(environment, flags.backup_every.as_deref(), |text| {
            humantime::parse_duration(text).ok().filter(|every| *every >= Duration::from_secs(1))
        })?;
        let keep = BACKUP_KEEP.resolve(environment, flags.backup_keep.as_deref(), |text| {
            text.parse::<u32>().ok().filter(|n| *n > 0)
        })?;
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        Ok((!folder.as_os_str().is_empty()).then_some(Self { folder, every, keep }))
    }

    fn to_variables(&self) -> BTreeMap<String, String> {
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let values = [
            (BACKUP_DIR, folder.display().to_string()),
            (BACKUP_EVERY, humantime::format_duration(self.every).to_string()),
            (BACKUP_KEEP, self.keep.to_string()),
        ];
        values.into_iter().map(|(setting, value)| (setting.variable.to_owned(), value)).collect()
    }
}

/// The settings of `serve`, checked.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub database: PathBuf,
    pub listen: SocketAddr,
    pub cors_origins: Vec<String>,
    /// Without a trailing slash; `None` where it is not set.
    pub public_url: Option<String>,
    /// With it, the server speaks HTTPS.
    pub tls: Option<CertificateConfig>,
    /// The plaintext address that redirects to HTTPS.
    pub redirect_listen: Option<SocketAddr>,
    pub trusted_proxies: TrustedProxies,
    /// How much is kept free on the database's disk, in bytes.
    pub disk_reserve: u64,
    pub backups: Option<BackupConfig>,
    /// How long leads are kept; `None` where it is not set.
    pub retention: Option<TimeDelta>,
    /// How often a canary is expected; `None` where none is.
    pub canary_every: Option<Duration>,
    /// How long refused submissions are kept; zero for not at all.
    pub refused_retention: TimeDelta,
    pub metrics_token: MetricsToken,
    pub notices: NoticeConfig,
    configured: IngestTokens,
}

impl ServerConfig {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// The first setting that is not accepted.
    pub fn load(environment: &Environment, flags: &ServerFlags) -> Result<Self, ConfigError> {
        let server = Self::load_without_credentials(environment, flags)?;
        if let Some(exposed) = exposure(server.listen, server.public_url.as_deref()) {
            server.configured.require(&exposed, &server.database)?;
        }
        Ok(server)
    }

    /// [`Self::load`] where the service's credentials cannot be read: a missing token is no error.
    ///
    /// # Errors
    /// The first setting that is not accepted.
    pub fn load_without_credentials(
        environment: &Environment,
        flags: &ServerFlags,
    ) -> Result<Self, ConfigError> {
        let database = database_path(environment, flags.database_url.as_deref())?;
        let listen = LISTEN.resolve(environment, flags.listen.as_deref(), address)?;
        let cors_origins =
            CORS_ORIGINS.resolve(environment, flags.cors_origins.as_deref(), origins)?;
        let tls = CertificateConfig::load(environment, &flags.certificate)?;
        let public_url =
            PUBLIC_URL.resolve(environment, flags.public_url.as_deref(), public_url)?;
        https::check_plaintext(
            environment,
            flags.allow_plaintext.as_deref(),
            listen,
            tls.is_some(),
        )?;
        if let Some((tls, url)) = tls.as_ref().zip(public_url.as_deref()) {
            tls.check_public_url(url)?;
        }
        let redirect_listen = https::redirect_address(
            environment,
            flags.redirect_listen.as_deref(),
            public_url.as_deref(),
            tls.is_some(),
        )?;
        let trusted_proxies = TrustedProxies::load(environment, flags.trusted_proxies.as_deref())?;
        let disk_reserve = disk_reserve(environment, flags.disk_reserve.as_deref())?;
        let backups = BackupConfig::load(environment, flags)?;
        let retention = retention(environment, flags)?;
        let canary_every = canary_every(environment, flags.canary_every.as_deref())?;
        let refused_retention = refused_retention(environment, flags)?;
        let is_exposed = exposure(listen, public_url.as_deref()).is_some();
        let configured = IngestTokens::configured(environment, is_exposed)?;
        let metrics_token = MetricsToken::load(environment, &configured, is_exposed)?;
        let notices = NoticeConfig::load(environment, &flags.notices)?;
        Ok(Self {
            database,
            listen,
            cors_origins,
            public_url,
            tls,
            redirect_listen,
            trusted_proxies,
            disk_reserve,
            backups,
            retention,
            canary_every,
            refused_retention,
            metrics_token,
            notices,
            configured,
        })
    }

    /// The URL at which clients reach a server that listens at an address, without a trailing slash.
    #[must_use]
    pub fn url(&self, address: SocketAddr) -> String {
        let own_url = || https::url(self.tls.is_some(), &address.to_string());
        self.public_url.clone().unwrap_or_else(own_url)
    }

    /// The values by their variables of the settings that concern commands as well, which may run in another
    /// folder and without them; with the address at which the server listens.
    #[must_use]
    pub fn to_variables(&self, address: SocketAddr) -> BTreeMap<String, String> {
        let mut variables =
            self.backups.as_ref().map(BackupConfig::to_variables).unwrap_or_default();
        variables.insert(DISK_RESERVE.variable.to_owned(), size_text(self.disk_reserve));
        variables.insert(LISTEN.variable.to_owned(), address.to_string());
        variables.extend(self.tls.iter().flat_map(CertificateConfig::to_variables));
        if let Some(url) = &self.public_url {
            variables.insert(PUBLIC_URL.variable.to_owned(), url.clone());
        }
        let silence = match self.notices.silence {
            Some(SilenceRule::Auto) => Some("auto".to_owned()),
            Some(SilenceRule::After(time)) => Some(format!("{}m", time.num_minutes())),
            None => None,
        };
        variables.extend(silence.map(|rule| (SILENCE_AFTER.variable.to_owned(), rule)));
        if let Some(period) = self.retention {
            variables.insert(RETENTION.variable.to_owned(), format!("{}d", period.num_days()));
        }
        if let Some(every) = self.canary_every {
            let every = humantime::format_duration(every).to_string();
            variables.insert(CANARY_EVERY.variable.to_owned(), every);
        }
        variables
    }

    /// The settings of a demo: its own database, the configured listen address if that is loopback,
    /// and the default of every other setting.
    ///
    /// # Errors
    /// The listen address is not accepted.
    pub fn for_demo(
        environment: &Environment,
        listen: Option<&str>,
        database: &Path,
    ) -> Result<Self, ConfigError> {
        let listen = LISTEN.resolve(environment, listen, address)?;
        if !listen.ip().is_loopback() {
            return Err(ConfigError::new(format_args!(
                "FASTCORE_LISTEN: {listen} is not a loopback address; a demo listens on loopback only"
            )));
        }
        let flags = ServerFlags {
            database_url: Some(database.display().to_string()),
            listen: Some(listen.to_string()),
            ..ServerFlags::default()
        };
        Self::load(&Environment::of(&[]), &flags)
    }

    /// The tokens; where none is configured, one is generated and stored next to the database by `create`,
    /// which writes a text to a new file.
    ///
    /// # Errors
    /// The file next to the database cannot be read or written, or its token is also that of the metrics.
    pub fn tokens(
        &self,
        create: impl FnOnce(&Path, &str) -> io::Result<()>,
    ) -> Result<IngestTokens, ConfigError> {
        let tokens = self.configured.clone().or_generate(&self.database, create)?;
        self.metrics_token.check_differs(&tokens)?;
        Ok(tokens)
    }
}

/// How long leads are kept, in whole days, if that is set.
///
/// # Errors
/// The value is not accepted.
pub fn retention(
    environment: &Environment,
    flags: &ServerFlags,
) -> Result<Option<TimeDelta>, ConfigError> {
    RETENTION.resolve(environment, flags.retention.as_deref(), |text| {
        if text.is_empty() {
            return Some(None);
        }
        let period = TimeDelta::from_std(humantime::parse_duration(text).ok()?).ok()?;
        let period = TimeDelta::days(period.num_days());
        (period >= TimeDelta::days(1)).then_some(Some(period))
    })
}

/// How long refused submissions are kept, in whole days; zero for not at all.
fn refused_retention(
    environment: &Environment,
    flags: &ServerFlags,
) -> Result<TimeDelta, ConfigError> {
    REFUSED_RETENTION.resolve(environment, flags.refused_retention.as_deref(), |text| {
        if text == "0" {
            return Some(TimeDelta::zero());
        }
        let period = TimeDelta::from_std(humantime::parse_duration(text).ok()?).ok()?;
        let period = TimeDelta::days(period.num_days());
        (period >= TimeDelta::days(1)).then_some(period)
    })
}

/// The URL at which a server with these settings is reached; values that are not accepted count as none.
#[must_use]
pub fn reached_at(environment: &Environment) -> String {
    let configured = PUBLIC_URL.resolve(environment, None, public_url).ok().flatten();
    configured.unwrap_or_else(|| {
        let listen = LISTEN.resolve(environment, None, address).ok();
        let tls = CertificateConfig::load(environment, &CertificateFlags::default());
        let is_tls = tls.is_ok_and(|tls| tls.is_some());
        https::url(is_tls, &listen.map_or_else(|| LISTEN.default.to_owned(), |at| at.to_string()))
    })
}

pub(crate) fn address(text: &str) -> Option<SocketAddr> {
    let localhost = || {
        let port = text.strip_prefix("localhost:")?.parse().ok()?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    text.parse().ok().or_else(localhost)
}

/// Which setting lets others than this machine reach the server, if one does.
fn exposure(listen: SocketAddr, public_url: Option<&str>) -> Option<String> {
    let url = public_url.filter(|url| !is_loopback(url));
    match (listen.ip().is_loopback(), url) {
        (false, _) => Some(format!("{} is {listen}", LISTEN.variable)),
        (true, Some(url)) => Some(format!("{} is {url}", PUBLIC_URL.variable)),
        (true, None) => None,
    }
}
