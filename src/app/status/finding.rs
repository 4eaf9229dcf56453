//! One line of the report of `fastcore check`.

use serde::Serialize;

use crate::app::status::thresholds::Level;

/// One line of the report, without personal data or secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub level: Level,
    pub check: &'static str,
    pub detail: String,
    /// What to do about it; none for [`Level::Ok`].
    pub hint: Option<String>,
}

impl Finding {
    pub(crate) fn new(
        level: Level,
        check: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { level, check, detail: detail.into(), hint: Some(hint.into()) }
    }

    #[must_use]
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, detail: detail.into(), hint: None }
    }

    #[must_use]
    pub fn warning(
        check: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(Level::Warning, check, detail, hint)
    }

    #[must_use]
    pub fn error(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Level::Error, check, detail, hint)
    }
}
