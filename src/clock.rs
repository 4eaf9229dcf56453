//! The clock. Nothing else reads the system's time.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// The source of time: the system, or a function that a test controls.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one caller")]
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that returns what `now` returns.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
