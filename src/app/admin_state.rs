//! What the admin page works with, held together; each part has its own state.

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::app::db::Db;
use crate::app::export::exports::Exports;
use crate::app::live::LiveHub;
use crate::app::staff::devices::Devices;
use crate::app::staff::key::StaffKey;
use crate::app::staff::own_account::OwnAccount;
use crate::app::staff::password::HashLimiter;
use crate::app::staff::sessions::Sessions;
use crate::app::staff::setup::Setup;
use crate::app::staff::sign_in::SignIn;
use crate::app::status::server_status::StatusReader;

/// The services of the admin page; cheap to clone.
#[derive(Debug, Clone)]
pub struct AdminState {
    pub db: Db,
    pub sessions: Sessions,
    pub sign_in: SignIn,
    pub devices: Devices,
    pub setup: Setup,
    pub own_account: OwnAccount,
    pub exports: Exports,
    pub live: LiveHub,
    pub status: StatusReader,
}

impl AdminState {
    /// Starts the services; their tasks run until `shutdown`.
    pub(crate) fn start(
        db: &Db,
        staff_key: &StaffKey,
        status: StatusReader,
        shutdown: &CancellationToken,
        runtime: &Handle,
    ) -> Self {
        let sessions = Sessions::new(db);
        let hashing = HashLimiter::default();
        let sign_in = SignIn::new(db, &sessions, &hashing, staff_key);
        Self {
            setup: Setup::new(db, &sessions, &hashing, staff_key),
            own_account: OwnAccount::new(db, &sign_in, &hashing, staff_key),
            sign_in,
            devices: Devices::new(db),
            exports: Exports::new(db),
            live: LiveHub::start(db, &sessions, shutdown, runtime),
            status,
            sessions,
            db: db.clone(),
        }
    }
}
