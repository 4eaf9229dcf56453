//! How much the page loads, and how fast it is on a slow phone.

use libtest_mimic::Trial;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

/// Notes when the first row is there.
const WATCH_ROWS: &str = "new MutationObserver(() => {
    if (!window.firstRow && document.querySelector('a.lead-row')) window.firstRow = performance.now();
}).observe(document, { childList: true, subtree: true });";

/// What the browser says about the load.
const MEASURES: &str = "(() => {
    const resources = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return {
      paint: Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime),
      row: Math.round(window.firstRow),
      bytes: resources.reduce((sum, { transferSize }) => sum + transferSize, 0),
      names: resources.filter(({ transferSize }) => transferSize > 0).map(({ name }) => name.replace(location.origin, '')),
    };
})()";

pub(crate) fn cases() -> Vec<Trial> {
    vec![case("speed::the_first_row_took_8_seconds_on_a_slow_phone", first_row_on_a_slow_phone)]
}

/// What a test can promise is what the page loads. Times depend on the machine that runs it, so theirs are printed, and
/// their limits are twice what is wanted: 2 s to the first paint, 4 s to the first row.
async fn first_row_on_a_slow_phone(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(60);
    page.sign_in().await;
    page.goto_blank().await;
    page.emulate_slow_phone().await;
    page.run_first(WATCH_ROWS).await;
    page.goto("/admin").await;
    page.wait_until("window.firstRow && document.querySelector('.live-indicator.on') !== null")
        .await;
    // The list was asked for again some time after the events had begun.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let found = page.eval(MEASURES).await;
    println!("Slow 4G, 4 times slower processor: {found}");
    let names = found["names"].as_array().expect("names");
    let count = |part: &str| {
        let is_it = |name: &&serde_json::Value| name.as_str().is_some_and(|n| n.contains(part));
        names.iter().filter(is_it).count()
    };
    assert_eq!(count("/admin/api/leads"), 1, "the list is asked for once: {found}");
    assert_eq!(count("/admin/api/session"), 1, "{found}");
    assert!(names.len() <= 12, "{found}");
    assert!(found["bytes"].as_u64() <= Some(110_000), "{found}");
    assert!(found["paint"].as_u64() <= Some(4000), "{found}");
    assert!(found["row"].as_u64() <= Some(8000), "{found}");
}
