//! Looks every few seconds whether something is wrong, and tells it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::app::alerts::rule::{Observation, next_phase};
use crate::app::alerts::unstored::UnstoredAlerts;
use crate::app::db::Db;
use crate::app::notices;
use crate::app::notices::channel::Channel;
use crate::app::notices::settings::{AlertTiming, NoticeSettings};
use crate::app::status::conditions::CONDITIONS;
use crate::app::status::facts::StatusWarning;
use crate::app::status::server_status::StatusReader;
use crate::app::status::thresholds;
use crate::domain::alert::{Alert, AlertPhase};
use crate::domain::notice::ChannelName;
use crate::domain::timestamp::Timestamp;

/// How long the database may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells the operator of trouble.
pub(crate) struct AlertTask {
    db: Db,
    status: StatusReader,
    /// Those that tell alerts.
    channels: Vec<Channel>,
    timing: AlertTiming,
    /// What was told, by kind.
    told: BTreeMap<String, Alert>,
    /// Whether what was told before the start is known.
    is_loaded: bool,
    seen: HashMap<&'static str, SeenCondition>,
    unstored: UnstoredAlerts,
}

/// Whether a condition is raised, and since when.
#[derive(Clone, Copy)]
struct SeenCondition {
    is_raised: bool,
    since: Instant,
}

impl AlertTask {
    pub(crate) fn new(status: &StatusReader, settings: &NoticeSettings) -> Self {
        let mut channels = notices::channels_of(settings);
        channels.retain(|channel| channel.uses().alerts);
        Self {
            db: status.db.clone(),
            status: status.clone(),
            channels,
            timing: settings.alerts,
            told: BTreeMap::new(),
            is_loaded: false,
            seen: HashMap::new(),
            unstored: UnstoredAlerts::default(),
        }
    }

    /// Runs for as long as the runtime lives. Without a channel, what is told is in the database and in the log
    /// alone.
    pub(crate) async fn run(mut self) {
        loop {
            self.status.watch.observe(&self.db);
            let observed = timeout(READ_TIMEOUT, self.status.silence.observe(&self.db)).await;
            if let Ok(Err(error)) = observed {
                tracing::debug!(%error, "the rhythm of the leads is not known");
            }
            self.step().await;
            sleep(self.timing.check_interval).await;
        }
    }

    async fn step(&mut self) {
        self.load().await;
        // Before the facts, so that they are not of an earlier time.
        let now = self.db.clock().now().into();
        let facts = self.status.facts_in_time().await;
        let raised = self.status.warnings(facts.as_ref().map_err(String::as_str), now);
        for condition in CONDITIONS {
            let code = condition.code;
            let warning = raised.iter().find(|warning| warning.code == code);
            let is_known = self.status.is_known(code, facts.is_ok());
            let seen = self.observe(code, warning.is_some(), is_known);
            if let Some(phase) = next_phase(self.told.get(code), seen, now, &self.timing) {
                self.tell(code, phase, warning, now).await;
            }
        }
        self.unstored.deliver(&self.db, &self.channels).await;
    }

    /// Reads what was told before the start. What has been told since, from memory, is newer.
    async fn load(&mut self) {
        if self.is_loaded {
            return;
        }
        let stored = timeout(READ_TIMEOUT, self.db.read(|tx| tx.alerts())).await;
        if let Ok(Ok(stored)) = stored {
            for alert in stored {
                self.told.entry(alert.kind.clone()).or_insert(alert);
            }
            self.is_loaded = true;
        }
    }

    fn observe(&mut self, code: &'static str, is_raised: bool, is_known: bool) -> Observation {
        if !is_raised && !is_known {
            return Observation::Unknown;
        }
        let now = Instant::now();
        let seen = self.seen.entry(code).or_insert(SeenCondition { is_raised, since: now });
        if seen.is_raised != is_raised {
            *seen = SeenCondition { is_raised, since: now };
        }
        match is_raised {
            true => Observation::Raised(now - seen.since),
            false => Observation::Absent(now - seen.since),
        }
    }

    async fn tell(
        &mut self,
        code: &'static str,
        phase: AlertPhase,
        warning: Option<&StatusWarning>,
        now: Timestamp,
    ) {
        let before = self.told.get(code);
        // At the end, what it was is said once more.
        let detail = warning.map(|warning| warning.detail.as_str());
        let detail = detail.or(before.map(|alert| alert.detail.as_str())).unwrap_or_default();
        let alert = Alert::told(before, code, phase, detail, now);
        let notice = alert.notice(phase);
        tracing::warn!(kind = code, phase = phase.as_str(), detail = alert.detail, "alert");
        let failing = match code {
            "notices_failing" => self.failing_channels(now).await,
            _ => BTreeSet::new(),
        };
        let names = || self.channels.iter().map(Channel::name);
        let all_fail = names().all(|name| failing.contains(name));
        let told_by = names().filter(|name| all_fail || !failing.contains(*name));
        self.unstored.push(alert.clone(), notice, told_by);
        self.told.insert(code.to_owned(), alert);
    }

    /// The channels that do not deliver: of that, the others tell.
    async fn failing_channels(&self, now: Timestamp) -> BTreeSet<ChannelName> {
        let late = thresholds::late_notices_before(now);
        let given_up = thresholds::given_up_since(now);
        let failing = self.db.read(move |tx| tx.failing_channels(late, given_up));
        timeout(READ_TIMEOUT, failing).await.ok().and_then(Result::ok).unwrap_or_default()
    }
}
