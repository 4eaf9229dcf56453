//! Signals: they end a server after what has arrived, and a command after it has cleaned up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::certificate::store::CertificateStore;
use crate::cli::error::CliError;
use crate::cli::service_manager::ServiceManager;
use crate::store::backup::progress::CancelFlag;
use crate::telemetry;

/// Cancels `shutdown` at SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reads the
/// certificate again, and the service manager hears of it.
pub(crate) fn handle(
    runtime: &Runtime,
    shutdown: CancellationToken,
    certificate: Option<CertificateStore>,
    manager: ServiceManager,
) -> Result<(), CliError> {
    let _inside = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let reload = async {
                match &certificate {
                    Some(certificate) => certificate.reload().await,
                    None => tracing::info!("SIGHUP: there are no settings to reload"),
                }
            };
            manager.during_reload(reload).await;
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

/// A flag that SIGINT and SIGTERM set, for a command that removes what it has written before it ends.
/// A second signal ends the process at once.
pub(crate) fn cancel_flag() -> Result<CancelFlag, CliError> {
    let flag = CancelFlag::default();
    let cancelled = Arc::clone(&flag);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    drop(entered);
    let mut next_signal = async move || {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    let wait = move || {
        runtime.block_on(async {
            next_signal().await;
            cancelled.store(true, Ordering::Relaxed);
            next_signal().await;
            std::process::exit(1);
        });
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(flag)
}
