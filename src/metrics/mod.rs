//! What the server counts and measures, for Prometheus. Names, labels and buckets are here; counting takes an
//! atomic addition or two.

pub mod scrape;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds: from what a read takes to what a client waits for at most.
const REQUEST_BUCKETS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds: from a flush of an SSD to a disk that hangs.
const TRANSACTION_BUCKETS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Jobs: up to the most that share a transaction.
const BATCH_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The outcomes of submissions: two, and the error codes of the API. All are exported from the start, since
/// Prometheus sees no increase in a counter that appears.
const SUBMISSION_OUTCOMES: [&str; 13] = [
    "stored",
    "replayed",
    "unauthorized",
    "payload_too_large",
    "unsupported_media_type",
    "bad_request",
    "timeout",
    "invalid_json",
    "validation_error",
    "duplicate_request_id",
    "lead_erased",
    "unavailable",
    "internal_error",
];
/// What became of the bodies that were refused.
const REFUSAL_OUTCOMES: [&str; 3] = ["kept", "not_kept", "over_budget"];
/// The outcomes of sign-ins: one, and the error codes of the API.
const SIGN_IN_OUTCOMES: [&str; 6] = [
    "signed_in",
    "unauthorized",
    "code_required",
    "too_many_requests",
    "unavailable",
    "internal_error",
];

/// The log belongs to the process, not to a server.
static DROPPED_LOG_LINES: AtomicU64 = AtomicU64::new(0);

/// Counts log lines that could not be written.
pub fn count_dropped_log_lines(lines: u64) {
    DROPPED_LOG_LINES.fetch_add(lines, Ordering::Relaxed);
}

/// How many log lines could not be written.
#[must_use]
pub fn dropped_log_lines() -> u64 {
    DROPPED_LOG_LINES.load(Ordering::Relaxed)
}

/// The metrics of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabel, Histogram>,
    failed_handshakes: Counter,
    submissions: Family<OutcomeLabel, Counter>,
    refusals: Family<OutcomeLabel, Counter>,
    sign_ins: Family<OutcomeLabel, Counter>,
    transaction_seconds: Histogram,
    batch_jobs: Histogram,
    failed_transactions: Counter,
    dropped_log_lines: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self(Arc::new(Families::new()))
    }
}

impl Families {
    /// All at zero.
    fn new() -> Self {
        let families = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_BUCKETS)),
            failed_handshakes: Counter::default(),
            submissions: Family::default(),
            refusals: Family::default(),
            sign_ins: Family::default(),
            transaction_seconds: Histogram::new(TRANSACTION_BUCKETS),
            batch_jobs: Histogram::new(BATCH_BUCKETS),
            failed_transactions: Counter::default(),
            dropped_log_lines: Counter::default(),
        };
        for outcome in SUBMISSION_OUTCOMES {
            drop(families.submissions.get_or_create(&OutcomeLabel { outcome }));
        }
        for outcome in REFUSAL_OUTCOMES {
            drop(families.refusals.get_or_create(&OutcomeLabel { outcome }));
        }
        for outcome in SIGN_IN_OUTCOMES {
            drop(families.sign_ins.get_or_create(&OutcomeLabel { outcome }));
        }
        families.registered()
    }

    /// With the names and descriptions of all. The library adds `_total` and the final dot.
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "fastcore_http_requests",
            "Requests that were answered, by method, route and status; (unknown) and - as in the log",
            self.requests.clone(),
        );
        registry.register(
            "fastcore_http_request_duration_seconds",
            "Time from the head of a request to its response, by route",
            self.request_seconds.clone(),
        );
        registry.register(
            "fastcore_tls_handshake_failures",
            "Connections that did not begin TLS where the server speaks it",
            self.failed_handshakes.clone(),
        );
        registry.register(
            "fastcore_submissions",
            "Submissions of leads that were answered: stored, replayed, or the error code",
            self.submissions.clone(),
        );
        registry.register(
            "fastcore_refused_submissions",
            "Submissions refused with 400, 415 or 422: kept, over_budget (counted alone), or not_kept otherwise",
            self.refusals.clone(),
        );
        registry.register(
            "fastcore_sign_ins",
            "Tries to sign in to the admin page: signed_in, or the error code",
            self.sign_ins.clone(),
        );
        registry.register(
            "fastcore_writer_transaction_duration_seconds",
            "Time of a transaction of the writer with its flush; probes included",
            self.transaction_seconds.clone(),
        );
        registry.register(
            "fastcore_writer_batch_jobs",
            "Jobs that shared a transaction of the writer",
            self.batch_jobs.clone(),
        );
        registry.register(
            "fastcore_writer_failed_transactions",
            "Transactions of the writer of which nothing was stored",
            self.failed_transactions.clone(),
        );
        registry.register(
            "fastcore_log_lines_dropped",
            "Log lines that were dropped: the reader of the log was too slow, or could not be written to",
            self.dropped_log_lines.clone(),
        );
        self
    }
}

impl Metrics {
    /// A request was answered. Without a duration, its head did not arrive.
    pub fn count_request(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        duration: Option<Duration>,
    ) {
        self.0.requests.get_or_create(&RequestLabels { method, route, status }).inc();
        if let Some(duration) = duration {
            let seconds = self.0.request_seconds.get_or_create(&RouteLabel { route });
            seconds.observe(duration.as_secs_f64());
        }
    }

    /// A connection did not begin TLS.
    pub fn count_failed_handshake(&self) {
        self.0.failed_handshakes.inc();
    }

    /// A submission was answered.
    pub fn count_submission(&self, outcome: &'static str) {
        debug_assert!(SUBMISSION_OUTCOMES.contains(&outcome), "{outcome} is not exported at zero");
        self.0.submissions.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// How many submissions had this outcome.
    #[must_use]
    pub fn submissions(&self, outcome: &'static str) -> u64 {
        debug_assert!(SUBMISSION_OUTCOMES.contains(&outcome), "{outcome} is not exported at zero");
        self.0.submissions.get_or_create(&OutcomeLabel { outcome }).get()
    }

    /// A submission was refused whose body could be kept.
    pub fn count_refusal(&self, outcome: &'static str) {
        debug_assert!(REFUSAL_OUTCOMES.contains(&outcome), "{outcome} is not exported at zero");
        self.0.refusals.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// How many refused submissions had this outcome.
    #[must_use]
    pub fn refusals(&self, outcome: &'static str) -> u64 {
        debug_assert!(REFUSAL_OUTCOMES.contains(&outcome), "{outcome} is not exported at zero");
        self.0.refusals.get_or_create(&OutcomeLabel { outcome }).get()
    }

    /// Somebody tried to sign in.
    pub fn count_sign_in(&self, outcome: &'static str) {
        debug_assert!(SIGN_IN_OUTCOMES.contains(&outcome), "{outcome} is not exported at zero");
        self.0.sign_ins.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A transaction with so many jobs ended.
    pub fn record_transaction(&self, jobs: usize, duration: Duration, is_committed: bool) {
        self.0.transaction_seconds.observe(duration.as_secs_f64());
        self.0.batch_jobs.observe(jobs as f64);
        if !is_committed {
            self.0.failed_transactions.inc();
        }
    }
}
