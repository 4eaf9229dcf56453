//! Limits of what clients may use.

use std::time::Duration;

/// Limits of what clients may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The maximum number of open connections.
    pub connections: usize,
    /// How long a request head may take to arrive.
    pub head_timeout: Duration,
    /// How long a connection may be idle between requests. More than the 2 minutes of Caddy and the
    /// 60 s of nginx: a proxy that sends a lead on a connection that is being closed cannot know
    /// whether it arrived, and answers 502.
    pub idle_timeout: Duration,
    /// How long a client may take to accept a part of its response.
    pub write_timeout: Duration,
    /// How long after its opening a connection may deliver its first request during a shutdown.
    pub first_request_grace: Duration,
    /// How long running requests may take to finish at shutdown.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(130),
            write_timeout: Duration::from_secs(30),
            first_request_grace: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// The limits of a listener that only redirects: few connections, each for one short request.
    #[must_use]
    pub fn of_redirects() -> Self {
        Self {
            connections: 128,
            idle_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            ..Self::default()
        }
    }
}
