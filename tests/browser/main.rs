//! The admin page in a real Chromium, driven from outside as a person would. Without a browser the
//! cases show as ignored; in CI (`CI=true`) a missing browser is a failure.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and ask whether it is in CI"
)]

mod accounts;
mod driver;
mod inbox;
mod lead;
mod site;
mod views;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::process::{Command, ExitCode, Stdio};

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};

use driver::{Driver, Page};
use site::Site;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case has a browser of its own, which is heavy.
    arguments.test_threads.get_or_insert(2);
    let present = has_browser();
    let trials = [accounts::cases(), inbox::cases(), lead::cases(), views::cases()];
    let trials = trials.into_iter().flatten();
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let trials = trials.map(|trial| trial.with_ignored_flag(!present && !in_ci)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn has_browser() -> bool {
    let mut command = Command::new("chromedriver");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A case: a server with an empty database, a browser that looks at nothing yet. When it is done,
/// the browser must have asked no other host for anything and have nothing to complain of.
fn case<F>(name: &str, body: fn(Site, Page) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let site = Site::start();
            let driver = Driver::start();
            let page = Page::open(&driver, &site.origin).await;
            let (done, watched) = (body(site, page.clone()), page.clone());
            let outcome = AssertUnwindSafe(async {
                done.await;
                watched.assert_clean().await;
            });
            let outcome = outcome.catch_unwind().await;
            // Closed in any case: a killed driver would leave its browser behind.
            page.close().await;
            outcome.map_err(|panic| Failed::from(said(panic.as_ref())))
        })
    })
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
