//! A setting that is both a flag and a variable, and the settings of all commands.

use std::borrow::Cow;
use std::path::Path;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;

/// A setting that is not a secret: both a flag and a variable.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub variable: &'static str,
    pub flag: &'static str,
    pub default: &'static str,
    pub accepts: &'static str,
}

pub const DATABASE_URL: Setting = Setting {
    variable: "DATABASE_URL",
    flag: "--database-url",
    default: "sqlite://fastcore.db",
    accepts: "sqlite://relative/path, sqlite:///absolute/path or a plain path",
};
pub const LOG_LEVEL: Setting = Setting {
    variable: "LOG_LEVEL",
    flag: "--log-level",
    default: "INFO",
    accepts: "DEBUG, INFO, WARNING or ERROR, in any case",
};
pub const DEBUG: Setting =
    Setting { variable: "DEBUG", flag: "--debug", default: "false", accepts: "true or false" };
pub const LOG_FORMAT: Setting = Setting {
    variable: "FASTCORE_LOG_FORMAT",
    flag: "--log-format",
    default: "auto",
    accepts: "auto, text or json",
};

impl Setting {
    /// The setting's value by the order of precedence, parsed by `parse`.
    ///
    /// # Errors
    /// The value is not accepted.
    pub fn resolve<T>(
        &self,
        environment: &Environment,
        flag: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let (name, value) = match (flag, environment.get(self.variable)?) {
            (Some(value), _) => (self.flag, value),
            (None, Some(value)) => (self.variable, value),
            (None, None) => (self.variable, self.default),
        };
        parse(value.trim()).ok_or_else(|| self.refuse(name, value))
    }

    /// The value as it may be shown, not checked.
    pub(crate) fn shown_value(&self, environment: &Environment) -> Result<String, ConfigError> {
        let value = environment.get(self.variable)?.unwrap_or(self.default);
        Ok(without_credentials(value.trim()).into_owned())
    }

    fn refuse(&self, name: &str, value: &str) -> ConfigError {
        ConfigError::new(format_args!(
            "{name}: {:?} is not accepted; it takes {}",
            without_credentials(value),
            self.accepts
        ))
    }
}

/// A value for messages: a URL's user and password are masked.
fn without_credentials(value: &str) -> Cow<'_, str> {
    match (value.split_once("://"), value.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, after))) if rest.contains('@') => {
            format!("{scheme}://***@{after}").into()
        }
        _ => value.into(),
    }
}

/// A path for commands that may run in another folder.
pub(crate) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}
