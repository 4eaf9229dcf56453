//! Reads of a disk that may hang.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a reader waits for a disk. Prometheus waits for a scrape for 10 s.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads one after the other, so that scrapes of a disk that hangs occupy one thread and not one each; cheap
/// to clone.
#[derive(Debug, Clone)]
pub(crate) struct OneAtATime(Arc<Semaphore>);

impl Default for OneAtATime {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl OneAtATime {
    /// The result of a read, unless it or the one before takes too long. It goes on then, and nobody waits.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        read: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let in_turn = async {
            let permit = Arc::clone(&self.0).acquire_owned().await.ok()?;
            let read = tokio::spawn(async move {
                let _permit = permit;
                read.await
            });
            read.await.ok()
        };
        timeout(READ_TIMEOUT, in_turn).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::app::db::blocking;

    #[test]
    fn a_disk_that_hangs_delays_scrapes_by_two_seconds_and_occupies_one_thread() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (disk, reads) = (OneAtATime::default(), Arc::new(AtomicUsize::new(0)));
        let (release, hang) = std::sync::mpsc::channel::<()>();
        let hang = Arc::new(std::sync::Mutex::new(hang));
        let scrape = || {
            let (reads, hang) = (Arc::clone(&reads), Arc::clone(&hang));
            disk.run(blocking(move || {
                reads.fetch_add(1, Ordering::Relaxed);
                hang.lock().map(|hang| hang.recv().is_ok()).unwrap_or_default()
            }))
        };
        let began = Instant::now();
        let both = runtime.block_on(async { tokio::join!(scrape(), scrape()) });
        assert!(both.0.is_none() && both.1.is_none());
        assert!(began.elapsed() < READ_TIMEOUT * 2, "{:?}", began.elapsed());
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        // The disk answers again.
        release.send(()).expect("a reader");
        release.send(()).expect("a channel");
        assert!(matches!(runtime.block_on(scrape()), Some(Ok(true))));
    }
}
