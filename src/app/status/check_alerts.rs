//! What `fastcore check` takes over from a server: trouble that only a running one sees.

use std::path::Path;

use crate::app::alerts::text as alert_text;
use crate::app::status::finding::Finding;
use crate::domain::alert::Alert;
use crate::domain::language::Language;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;

/// The kinds of alerts that `check` does not look for by itself.
const OF_SERVER: [&str; 6] = [
    "token_refused",
    "submissions_refused",
    "silence",
    "search_index_rebuilt",
    "clock_jumped",
    "log_lines_dropped",
];

/// The alerts that last.
pub(crate) fn findings(database: &Path) -> Result<Vec<Finding>, StoreError> {
    let alerts = ReadPool::open(database)?.read(|tx| tx.alerts())?;
    let lasting = alerts.iter().filter(|alert| alert.is_active());
    let of_server = lasting.filter(|alert| OF_SERVER.contains(&alert.kind.as_str()));
    let finding = |alert: &Alert| {
        let meaning = alert_text::meaning(&alert.kind, Language::English);
        let detail = format!("{meaning}, since {}: {}", alert.began_at_utc, alert.detail);
        Finding::warning("alerts", detail, alert_text::cure(&alert.kind, Language::English))
    };
    Ok(of_server.map(finding).collect())
}
