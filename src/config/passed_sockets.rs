//! Listening sockets that systemd opened and passes to the server (socket activation, `sd_listen_fds(3)`).

use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::https::REDIRECT_LISTEN;
use crate::config::server::{LISTEN, ServerFlags, address};
use crate::config::setting::Setting;

/// `FileDescriptorName=` of the socket in place of `FASTCORE_LISTEN`.
const MAIN: &str = "listen";
/// … and in place of `FASTCORE_REDIRECT_LISTEN`.
const REDIRECT: &str = "redirect";

/// The sockets that were passed, each in place of a setting's address.
#[derive(Debug, Default)]
pub struct PassedSockets {
    pub main: Option<TcpListener>,
    pub redirect: Option<TcpListener>,
}

impl PassedSockets {
    /// Takes the sockets that are meant for this process. Changes its environment: to be called once, before
    /// other threads exist.
    ///
    /// # Errors
    /// One has another name or type, or there are two for one setting.
    pub fn take(environment: &Environment) -> Result<Self, ConfigError> {
        let mut passed = Self::default();
        let process = environment.process("LISTEN_PID")?.and_then(|id| id.parse().ok());
        if process != Some(std::process::id()) {
            return Ok(passed);
        }
        let names = environment.process("LISTEN_FDNAMES")?;
        let mut names = names.into_iter().flat_map(|names| names.split(':'));
        let mut sockets = ListenFd::from_env();
        for index in 0..sockets.len() {
            // systemd gives each a name; others that pass a socket may not.
            let name = names.next().unwrap_or(MAIN);
            let refuse = |why: &str| {
                ConfigError::new(format_args!("the socket {name:?} that systemd passed: {why}"))
            };
            let place = match name {
                MAIN => &mut passed.main,
                REDIRECT => &mut passed.redirect,
                _ => {
                    return Err(refuse(
                        "FASTCORE_LISTEN takes the one with FileDescriptorName=listen, and \
                         FASTCORE_REDIRECT_LISTEN the one with FileDescriptorName=redirect",
                    ));
                }
            };
            if place.is_some() {
                return Err(refuse("there is another of this name; each takes one address"));
            }
            let taken = sockets.take_tcp_listener(index).ok().flatten();
            let listens = |socket: &TcpListener| socket_acceptconn(socket).unwrap_or(false);
            *place = taken.filter(listens);
            if place.is_none() {
                return Err(refuse("not a TCP socket that listens (ListenStream=, Accept=no)"));
            }
        }
        Ok(passed)
    }

    /// The flags with the addresses of the sockets, so that they are checked like those of the settings.
    ///
    /// # Errors
    /// A setting names another address.
    pub fn in_flags(
        &self,
        environment: &Environment,
        flags: ServerFlags,
    ) -> Result<ServerFlags, ConfigError> {
        let listen = in_place_of(&LISTEN, self.main.as_ref(), environment, flags.listen)?;
        let redirect = flags.redirect_listen;
        let redirect_listen =
            in_place_of(&REDIRECT_LISTEN, self.redirect.as_ref(), environment, redirect)?;
        Ok(ServerFlags { listen, redirect_listen, ..flags })
    }
}

/// The address of a socket, or without one, the flag.
fn in_place_of(
    setting: &Setting,
    socket: Option<&TcpListener>,
    environment: &Environment,
    flag: Option<String>,
) -> Result<Option<String>, ConfigError> {
    let Some(socket) = socket else { return Ok(flag) };
    let variable = setting.variable;
    let passed: SocketAddr = socket.local_addr().map_err(|error| {
        ConfigError::new(format_args!("the socket for {variable} that systemd passed: {error}"))
    })?;
    if flag.is_some() || environment.is_set(variable)? {
        let set = setting.resolve(environment, flag.as_deref(), address)?;
        if set != passed {
            return Err(ConfigError::new(format_args!(
                "{variable}: {set} is not the address {passed} of the socket that systemd passed; remove the \
                 setting, or change the ListenStream= of the socket's unit"
            )));
        }
    }
    Ok(Some(passed.to_string()))
}
