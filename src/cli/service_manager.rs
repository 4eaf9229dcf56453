//! The service manager (systemd) hears when leads are taken, that the writer works, of reloads and of the end.
//!
//! The protocol is that of `sd_notify(3)`. Its messages are sent without blocking, since one thread serves
//! all connections; crates for it block, or do not know names in the abstract namespace.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::config::service_manager::NotifySettings;
use crate::store::health::WriterHealth;

/// How often the writer is looked at, unless the watchdog asks more often.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How many signs of life fit into the time of the watchdog, so that one that is late does no harm.
const SIGNS_OF_LIFE: u32 = 3;
/// Until a message is sent again for which the manager had no room.
const PAUSE: Duration = Duration::from_millis(50);

/// Tells the service manager; without one, does nothing. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceManager(Option<Arc<NotifySocket>>);

#[derive(Debug)]
struct NotifySocket {
    address: SocketAddr,
    watchdog: Option<Duration>,
    /// Whether the log has said that it cannot be reached.
    is_reported: AtomicBool,
}

impl ServiceManager {
    /// The manager that these settings name. A name that cannot be one is reported, and nobody is told.
    pub(crate) fn new(settings: Option<NotifySettings>) -> Self {
        let Some(NotifySettings { socket, watchdog }) = settings else { return Self(None) };
        let address = match socket.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&socket),
        };
        match address {
            Ok(address) => {
                let is_reported = AtomicBool::new(false);
                Self(Some(Arc::new(NotifySocket { address, watchdog, is_reported })))
            }
            Err(error) => {
                tracing::warn!(socket, %error, "NOTIFY_SOCKET cannot be used");
                Self(None)
            }
        }
    }

    /// The start needs time.
    pub(crate) fn starting(&self) {
        if let Some(socket) = &self.0 {
            let _ = socket.send("STATUS=Preparing the database");
        }
    }

    /// Tells that the server is ready, then whether leads can be stored, and that it stops when `stop` is
    /// cancelled. The watchdog is fed while the writer works.
    pub(crate) async fn supervise(&self, health: &WriterHealth, stop: CancellationToken) {
        let Some(socket) = &self.0 else { return };
        let feeding = socket.watchdog.map_or(LOOK_INTERVAL, |time| time / SIGNS_OF_LIFE);
        let mut look = interval(feeding.min(LOOK_INTERVAL));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let telling = async {
            let mut status = describe(health);
            socket.tell(&format!("READY=1\n{status}")).await;
            loop {
                look.tick().await;
                if socket.watchdog.is_some() && health.writer_works() {
                    socket.tell("WATCHDOG=1").await;
                }
                let now = describe(health);
                if now != status {
                    socket.tell(&now).await;
                    status = now;
                }
            }
        };
        stop.run_until_cancelled(telling).await;
        // Nothing may keep the server from ending.
        let _ = socket.send("STOPPING=1\nSTATUS=Finishing what has arrived");
    }

    /// Runs a reload between the messages that it begins and that it has ended.
    pub(crate) async fn during_reload(&self, reload: impl Future<Output = ()>) {
        let Some(socket) = &self.0 else { return reload.await };
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        socket.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}")).await;
        reload.await;
        socket.tell("READY=1").await;
    }
}

impl NotifySocket {
    /// Sends a message. Waits while the manager has no room for it; where it cannot be reached, goes on.
    async fn tell(&self, message: &str) {
        loop {
            match self.send(message) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(PAUSE).await,
                Err(error) => {
                    if !self.is_reported.swap(true, Ordering::Relaxed) {
                        tracing::warn!(%error, "the service manager cannot be told");
                    }
                    return;
                }
                Ok(()) => return,
            }
        }
    }

    /// Connects each time: the manager may have been replaced since.
    fn send(&self, message: &str) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to_addr(message.as_bytes(), &self.address).map(|_| ())
    }
}

fn describe(health: &WriterHealth) -> String {
    match health.unavailable_reason() {
        None => "STATUS=Leads can be stored".to_owned(),
        Some(reason) => format!("STATUS=Leads cannot be stored: {}", reason.replace('\n', " ")),
    }
}
