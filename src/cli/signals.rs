//! Signals of a running server.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::error::CliError;
use crate::telemetry;

/// Cancels `shutdown` at SIGTERM or SIGINT; a second one ends the process at once. SIGHUP changes
/// nothing.
pub(crate) fn handle(shutdown: CancellationToken) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: there are no settings to reload");
        }
    });
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("{name}: accepting no more connections; finishing what has arrived");
        shutdown.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        // Nothing is half done at any moment: a transaction is committed or not.
        telemetry::flush();
        std::process::exit(1);
    });
    Ok(())
}
