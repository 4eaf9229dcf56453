//! Tests of the admin page in Chromium. Without a browser the cases are ignored; in CI (`CI=true`) a
//! missing browser is a failure.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test may print, panic and read the variable CI"
)]

mod accounts;
mod authenticator;
mod driver;
mod exports;
mod inbox;
mod inbox_chips;
mod installed;
mod keyboard;
mod layout;
mod lead;
mod own_account;
#[path = "../support/process_output.rs"]
mod process_output;
mod reading;
mod recovery;
mod refused;
mod second_factor;
mod server;
mod setup;
mod speed;
mod views;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::process::{Command, ExitCode, Stdio};

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};

use driver::{Driver, Page};
use server::TestServer;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case starts a browser, which takes much memory.
    arguments.test_threads.get_or_insert(2);
    let has_browser = has_browser();
    let trials = [
        accounts::cases(),
        exports::cases(),
        inbox::cases(),
        installed::cases(),
        inbox_chips::cases(),
        layout::cases(),
        keyboard::cases(),
        lead::cases(),
        own_account::cases(),
        reading::cases(),
        recovery::cases(),
        refused::cases(),
        second_factor::cases(),
        setup::cases(),
        speed::cases(),
        views::cases(),
    ];
    let trials = trials.into_iter().flatten();
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let trials = trials.map(|trial| trial.with_ignored_flag(!has_browser && !in_ci)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn has_browser() -> bool {
    let mut command = Command::new("chromedriver");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A case: a server with an empty database and a browser with an empty page. At its end the browser
/// must have sent no request to another host and logged no error.
fn case<F>(name: &str, body: fn(TestServer, Page) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    case_with(name, TestServer::start, body)
}

/// [`case`] with a server that is started in another way.
fn case_with<F>(name: &str, start: fn() -> TestServer, body: fn(TestServer, Page) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    trial(name, start, move |server, [page]| body(server, page))
}

/// A case with two browsers, each with cookies of its own.
fn case_with_two_browsers<F>(name: &str, body: fn(TestServer, Page, Page) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    trial(name, TestServer::start, move |server, [page, other]| body(server, page, other))
}

fn trial<const N: usize, F>(
    name: &str,
    start: fn() -> TestServer,
    body: impl FnOnce(TestServer, [Page; N]) -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let server = start();
            let driver = Driver::start();
            let mut pages = Vec::new();
            for _ in 0..N {
                pages.push(Page::open(&driver, &server.origin).await);
            }
            let Ok(opened) = pages.clone().try_into() else { unreachable!("{N} pages") };
            let (test, checked) = (body(server, opened), pages.clone());
            let outcome = AssertUnwindSafe(async {
                test.await;
                for page in checked {
                    page.assert_no_errors().await;
                }
            });
            let outcome = outcome.catch_unwind().await;
            // Also after a failure: killing the driver does not end its browser.
            for page in pages {
                page.close().await;
            }
            outcome.map_err(|panic| Failed::from(panic_message(panic.as_ref())))
        })
    })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
