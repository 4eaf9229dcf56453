//! The sockets that take connections.

use std::io;
use std::net::{self, SocketAddr};

use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections may wait in the kernel's queue to be accepted.
const BACKLOG: u32 = 4096;

/// Takes an address. Connections are refused until [`Listener::new`].
///
/// # Errors
/// The address is in use or not local, or the port needs more privileges.
pub fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A socket that takes connections.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    /// Whether the service manager keeps the socket open for the next server.
    is_kept: bool,
}

impl Listener {
    /// Begins to take connections.
    ///
    /// # Errors
    /// Another process has begun to listen on the address.
    pub fn new(socket: TcpSocket) -> io::Result<Self> {
        Ok(Self { socket: socket.listen(BACKLOG)?, is_kept: false })
    }

    /// Takes the connections of a socket that the service manager keeps open.
    ///
    /// # Errors
    /// The runtime cannot watch it.
    pub fn of_manager(socket: net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: TcpListener::from_std(socket)?, is_kept: true })
    }

    /// The address, with the port that was picked.
    ///
    /// # Errors
    /// The socket cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept().await
    }

    /// Stops taking connections; those that wait to be accepted. The next server answers those of a socket
    /// that is kept.
    pub(crate) fn close(self) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
        let waiting = if self.is_kept { 0 } else { BACKLOG };
        (0..waiting).map_while(move |_| self.socket.accept().now_or_never()?.ok())
    }
}
