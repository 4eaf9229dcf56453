//! How often a canary is expected.

use std::time::Duration;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::setting::Setting;

pub(crate) const CANARY_EVERY: Setting = Setting {
    variable: "FASTCORE_CANARY_EVERY",
    flag: "--canary-every",
    default: "",
    accepts: "a length of time from 1m up, such as 15m or 1h",
};

/// How often a canary is expected, if one is.
///
/// # Errors
/// The value is not accepted.
pub fn canary_every(
    environment: &Environment,
    flag: Option<&str>,
) -> Result<Option<Duration>, ConfigError> {
    CANARY_EVERY.resolve(environment, flag, |text| {
        if text.is_empty() {
            return Some(None);
        }
        let every = humantime::parse_duration(text).ok()?;
        (every >= Duration::from_secs(60)).then_some(Some(every))
    })
}
