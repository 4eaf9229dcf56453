//! What systemd gives a service that it watches, in variables of the process alone.

use std::time::Duration;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;

/// Where the service manager listens, and how soon it wants to hear again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifySettings {
    /// A path, or after `@` a name in the abstract namespace.
    pub socket: String,
    /// Without a sign of life for so long, the service is ended.
    pub watchdog: Option<Duration>,
}

impl NotifySettings {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; `None` where nobody listens.
    ///
    /// # Errors
    /// The name of the socket is not UTF-8.
    pub fn load(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let Some(socket) = environment.process("NOTIFY_SOCKET")? else { return Ok(None) };
        let number = |name| environment.process(name).ok()??.parse::<u64>().ok();
        let is_ours =
            number("WATCHDOG_PID").is_none_or(|process| process == u64::from(std::process::id()));
        let microseconds = number("WATCHDOG_USEC").filter(|&time| is_ours && time > 0);
        let watchdog = microseconds.map(Duration::from_micros);
        Ok(Some(Self { socket: socket.to_owned(), watchdog }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Option<NotifySettings> {
        NotifySettings::load(&Environment::of(variables)).expect("UTF-8")
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_fed() {
        let own = std::process::id().to_string();
        let socket = ("NOTIFY_SOCKET", "/run/systemd/notify");
        let time = ("WATCHDOG_USEC", "3000000");
        let watchdog = |variables: &[(&str, &str)]| load(variables).expect("a socket").watchdog;
        let three = Some(Duration::from_secs(3));
        assert_eq!(watchdog(&[socket, time]), three);
        assert_eq!(watchdog(&[socket, time, ("WATCHDOG_PID", &own)]), three);
        assert_eq!(watchdog(&[socket, time, ("WATCHDOG_PID", "1")]), None);
        assert_eq!(watchdog(&[socket, ("WATCHDOG_USEC", "0")]), None);
        assert_eq!(watchdog(&[socket, ("WATCHDOG_USEC", "soon")]), None);
        assert_eq!(load(&[time]), None);
        assert_eq!(load(&[("NOTIFY_SOCKET", "")]), None);
    }
}
