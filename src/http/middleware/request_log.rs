//! The request log: one line for each request, which is also counted. Equal refusals share lines, so that a
//! flood of them cannot displace the other lines of the journal.

use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::http::middleware::refusals::{RefusalCounter, RefusalKind, RefusedSignIn};
use crate::metrics::Metrics;

/// How often the refusals that have no line of their own are reported.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// What stands for a method or a path that the server does not know: it could be anything, such as an
/// email address.
const UNKNOWN: &str = "(unknown)";
/// What stands for a method and a path that could not be read.
const UNREAD: &str = "-";
/// What stands for the path of a connection whose handshake failed.
const TLS: &str = "(TLS handshake)";

/// A request as the log shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoggedRequest<'a> {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    /// The path, with the values of the route's parameters.
    pub(crate) path: &'a str,
    pub(crate) status: StatusCode,
    /// `None` if its head did not arrive.
    pub(crate) duration: Option<Duration>,
    pub(crate) request_id: &'a str,
    pub(crate) lead_id: Option<&'a str>,
    /// The staff account whose session the request had.
    pub(crate) account: Option<&'a str>,
    pub(crate) refused_sign_in: Option<RefusedSignIn>,
}

/// Writes the lines; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestLog {
    refusals: RefusalCounter,
    /// What a listener that only redirects does is not counted.
    metrics: Option<Metrics>,
}

impl RequestLog {
    pub(crate) fn new(metrics: Option<Metrics>) -> Self {
        Self { refusals: RefusalCounter::default(), metrics }
    }

    /// Logs a request. Of equal refusals, the first has a line at once, and the others are counted
    /// until the next report. Refused sign-ins are told apart by client, and a few of each have lines.
    pub(crate) fn record(&self, request: &LoggedRequest<'_>) {
        let LoggedRequest { method, route, path, status, request_id, lead_id, account, .. } =
            *request;
        if let Some(metrics) = &self.metrics {
            metrics.count_request(method, route, status.as_u16(), request.duration);
        }
        let is_refused = status.is_client_error() || status.is_server_error();
        let sign_in = request.refused_sign_in;
        if is_refused && self.refusals.fold(RefusalKind { method, route, status, sign_in }) {
            return;
        }
        // The values of parameters are known where they were found.
        let path = if is_refused || route == UNKNOWN { route } else { path };
        let duration = request.duration.unwrap_or_default();
        let duration_ms = duration.as_micros() as f64 / 1000.0;
        let (duration_ms, request_id) = (Some(duration_ms), Some(request_id));
        let fields =
            OptionalFields { duration_ms, request_id, lead_id, account, sign_in, repeated: None };
        write_line(method, path, status, &fields);
    }

    /// Logs a request whose head did not arrive in time.
    pub(crate) fn record_late_head(&self, status: StatusCode, request_id: &str) {
        self.record(&LoggedRequest {
            method: UNREAD,
            route: UNREAD,
            path: UNREAD,
            status,
            duration: None,
            request_id,
            lead_id: None,
            account: None,
            refused_sign_in: None,
        });
    }

    /// Logs what is not an HTTP request, and was answered with this status.
    pub(crate) fn record_malformed(&self, status: StatusCode, error: &hyper::Error) {
        if let Some(metrics) = &self.metrics {
            metrics.count_request(UNREAD, UNREAD, status.as_u16(), None);
        }
        let kind = RefusalKind { method: UNREAD, route: UNREAD, status, sign_in: None };
        if !self.refusals.fold(kind) {
            tracing::info!(%error, status = status.as_u16(), "not an HTTP request");
        }
    }

    /// Logs a connection without TLS where the server speaks it.
    pub(crate) fn record_no_tls(&self, cause: &dyn std::fmt::Display) {
        if let Some(metrics) = &self.metrics {
            metrics.count_failed_handshake();
        }
        let status = StatusCode::BAD_REQUEST;
        if !self.refusals.fold(RefusalKind { method: UNREAD, route: TLS, status, sign_in: None }) {
            tracing::info!(%cause, "a TLS handshake failed");
        }
    }

    /// Logs how many refusals of each kind had no line of their own.
    pub(crate) fn report(&self) {
        for (kind, repeated) in self.refusals.take_folded() {
            let RefusalKind { method, route, status, sign_in } = kind;
            let repeated = Some(repeated);
            let fields = OptionalFields { repeated, sign_in, ..OptionalFields::default() };
            write_line(method, route, status, &fields);
        }
    }
}

/// The fields that not every line has.
#[derive(Default)]
struct OptionalFields<'a> {
    duration_ms: Option<f64>,
    request_id: Option<&'a str>,
    lead_id: Option<&'a str>,
    account: Option<&'a str>,
    sign_in: Option<RefusedSignIn>,
    repeated: Option<u64>,
}

fn write_line(method: &str, path: &str, status: StatusCode, fields: &OptionalFields<'_>) {
    let OptionalFields { duration_ms, request_id, lead_id, account, sign_in, repeated } = *fields;
    let client = sign_in.and_then(|sign_in| sign_in.client).map(|ip: IpAddr| ip.to_string());
    // The level of an event is a constant.
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                method,
                path,
                status = status.as_u16(),
                duration_ms,
                request_id,
                lead_id,
                account,
                client,
                repeated,
                "request"
            )
        };
    }
    if status.is_server_error() || sign_in.is_some() { log!(warn) } else { log!(info) }
}

/// The method, as far as it is known.
pub(crate) fn logged_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(UNKNOWN)
}

/// The route, if there is one.
pub(crate) fn logged_route(route: Option<&'static str>) -> &'static str {
    route.unwrap_or(UNKNOWN)
}
