//! Alerts that the database has not taken yet. While it takes none, they are sent from memory.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout;
use uuid::Uuid;

use crate::app::db::Db;
use crate::app::notices::channel::Channel;
use crate::app::notices::message::NoticeMessage;
use crate::app::notices::send_error::SendError;
use crate::domain::alert::{Alert, AlertNotice};
use crate::domain::notice::ChannelName;
use crate::store;
use crate::store::alerts::AlertDelivery;
use crate::store::error::StoreError;

/// Alerts that are kept at most; the oldest go first.
const MAX_UNSTORED: usize = 100;
/// How often a receiver that does not answer is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(60);
/// How long a channel may take: all alerts wait.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Alerts that are not in the database yet, oldest first.
#[derive(Default)]
pub(crate) struct UnstoredAlerts(Vec<UnstoredAlert>);

struct UnstoredAlert {
    alert: Alert,
    notice: AlertNotice,
    deliveries: Vec<AlertDelivery>,
    next_try: Instant,
}

impl UnstoredAlerts {
    /// Adds an alert that these channels are to tell.
    pub(crate) fn push<'a>(
        &mut self,
        alert: Alert,
        notice: AlertNotice,
        channels: impl Iterator<Item = &'a ChannelName>,
    ) {
        // The ids are those of the attempts from memory as well.
        let delivery = |channel: &ChannelName| AlertDelivery {
            id: Uuid::now_v7().hyphenated().to_string(),
            channel: channel.clone(),
            is_sent: false,
        };
        let deliveries = channels.map(delivery).collect();
        self.0.push(UnstoredAlert { alert, notice, deliveries, next_try: Instant::now() });
        if self.0.len() > MAX_UNSTORED {
            self.0.remove(0);
        }
    }

    /// Stores them for the tasks of their channels; sends what cannot be stored now.
    pub(crate) async fn deliver(&mut self, db: &Db, channels: &[Channel]) {
        while let Some(unstored) = self.0.first() {
            if let Err(error) = store(db, unstored).await {
                tracing::debug!(%error, "an alert could not be stored; sending it from memory");
                break;
            }
            self.0.remove(0);
        }
        for unstored in &mut self.0 {
            unstored.send(channels, db).await;
        }
    }
}

async fn store(db: &Db, unstored: &UnstoredAlert) -> Result<(), StoreError> {
    let UnstoredAlert { alert, notice, deliveries, .. } = unstored;
    let (alert, notice, deliveries) = (alert.clone(), notice.clone(), deliveries.clone());
    db.write(move |tx| store::alerts::record(tx, &alert, &notice, &deliveries)).await
}

impl UnstoredAlert {
    /// Sends it by the channels that have not told it, each once.
    async fn send(&mut self, channels: &[Channel], db: &Db) {
        if self.next_try > Instant::now() {
            return;
        }
        let (notice, now) = (&self.notice, db.clock().now().into());
        let sends = self.deliveries.iter_mut().filter(|delivery| !delivery.is_sent);
        let sends = sends.filter_map(|delivery| {
            let channel = channels.iter().find(|channel| *channel.name() == delivery.channel)?;
            let message = NoticeMessage::alert(delivery.id.clone(), notice.clone(), now);
            Some(async move {
                let sent = timeout(SEND_TIMEOUT, channel.send(&message)).await;
                match sent.unwrap_or_else(|_| Err(SendError::late(SEND_TIMEOUT))) {
                    Ok(()) => delivery.is_sent = true,
                    Err(error) => {
                        tracing::warn!(channel = %channel.name(), %error, "an alert could not be sent");
                    }
                }
            })
        });
        join_all(sends).await;
        self.next_try = Instant::now() + RETRY_DELAY;
    }
}
