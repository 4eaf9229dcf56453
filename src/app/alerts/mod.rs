//! Alerts: the operator hears of trouble by the channels of notices, when it begins, once a day while it lasts, and
//! when it ends. What is trouble is what the status page and `/metrics` say.

pub(crate) mod rule;
pub(crate) mod task;
pub(crate) mod text;
pub(crate) mod unstored;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::app::alerts::task::AlertTask;
use crate::app::digest::schedule::DigestSchedule;
use crate::app::notices::respawn;
use crate::app::notices::settings::NoticeSettings;
use crate::app::status::server_status::StatusReader;

/// Starts to look for trouble, and to make the morning mail, until `shutdown`.
pub(crate) fn start(
    status: &StatusReader,
    settings: &NoticeSettings,
    shutdown: &CancellationToken,
    runtime: &Handle,
) {
    let (status, settings) = (status.clone(), settings.clone());
    let mails = {
        let (db, settings) = (status.db.clone(), settings.clone());
        let interval = settings.alerts.check_interval;
        move || DigestSchedule::new(&settings).run(db.clone(), interval)
    };
    let alerts = move || AlertTask::new(&status, &settings).run();
    // Alerts do not wait for what the morning mail reads.
    let running = async {
        tokio::join!(respawn("the task of alerts", alerts), respawn("the morning mail", mails));
    };
    runtime.spawn(shutdown.clone().run_until_cancelled_owned(running));
}
