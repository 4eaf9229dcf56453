//! The log on standard error: text on a terminal, JSON lines elsewhere.

mod line_writer;
mod log_queue;

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::setting::{DEBUG, LOG_FORMAT, LOG_LEVEL, boolean};
use crate::domain::hash_chain::HEAD_LOG_TARGET;
use crate::telemetry::line_writer::LineWriters;
pub use crate::telemetry::line_writer::{detect_journal, priority_prefix};
pub use crate::telemetry::log_queue::{LogThread, flush};

/// The flags for the log.
#[derive(Debug, Default, Clone)]
pub struct LogFlags {
    pub level: Option<String>,
    pub debug: Option<String>,
    pub format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
    Text,
    Json,
}

/// Starts the log of this process; a second call changes nothing.
///
/// # Errors
/// A setting is not accepted.
pub fn start(environment: &Environment, flags: &LogFlags) -> Result<(), ConfigError> {
    let debug = DEBUG.resolve(environment, flags.debug.as_deref(), boolean)?;
    let level = LOG_LEVEL.resolve(
        environment,
        flags.level.as_deref().or(debug_level(environment, debug)?),
        level,
    )?;
    let format = LOG_FORMAT.resolve(environment, flags.format.as_deref(), format)?;
    let terminal = io::stderr().is_terminal();
    // Kept elsewhere, the heads of the audit log show later whether it was rewritten.
    let head_level = if level == Level::ERROR { level } else { level.max(Level::INFO) };
    let filter = Targets::new().with_default(level).with_target(HEAD_LOG_TARGET, head_level);
    let log = fmt::layer()
        .with_target(false)
        // A line that cannot be written must not panic: that line could not be written either.
        .log_internal_errors(false)
        .with_ansi(terminal)
        .with_writer(LineWriters { is_terminal: terminal });
    let lines = tracing_subscriber::registry().with(filter);
    let started =
        match format {
            LogFormat::Text => set_global_default(lines.with(log)),
            LogFormat::Json => set_global_default(lines.with(
                log.json().flatten_event(true).with_current_span(false).with_span_list(false),
            )),
        };
    // The message of a panic may quote personal data; its location is enough to fix the defect.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        // This library panics where its temporary file cannot be written; the export reports that.
        if location.contains("rust_xlsxwriter") {
            tracing::debug!(location, "the workbook could not be written");
            return;
        }
        tracing::error!(location, "panic: a defect of FASTCore");
    }));
    if started.is_err() {
        tracing::debug!("the log was already started");
    }
    Ok(())
}

/// `DEBUG=true` sets the level DEBUG, unless `LOG_LEVEL` is set.
fn debug_level(
    environment: &Environment,
    debug: bool,
) -> Result<Option<&'static str>, ConfigError> {
    let set = environment.is_set(LOG_LEVEL.variable)?;
    Ok((debug && !set).then_some("DEBUG"))
}

fn level(text: &str) -> Option<Level> {
    match text.to_ascii_uppercase().as_str() {
        "DEBUG" => Some(Level::DEBUG),
        "INFO" => Some(Level::INFO),
        "WARNING" | "WARN" => Some(Level::WARN),
        "ERROR" => Some(Level::ERROR),
        _ => None,
    }
}

fn format(text: &str) -> Option<LogFormat> {
    match text.to_ascii_lowercase().as_str() {
        "auto" if io::stderr().is_terminal() => Some(LogFormat::Text),
        "auto" | "json" => Some(LogFormat::Json),
        "text" => Some(LogFormat::Text),
        _ => None,
    }
}
