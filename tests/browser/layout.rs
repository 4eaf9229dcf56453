//! What fits into a window: short and narrow ones, zoomed ones, and what a person sees of the list.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::case;
use crate::driver::{ESCAPE, Page};
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("layout::the_list_had_no_room_in_a_short_window", short_windows),
        case("layout::few_rows_fitted_into_the_list", visible_rows),
        case("layout::a_warning_took_two_lines_of_every_view", warning_banner),
        case("layout::a_warning_came_back_when_another_one_ended", ended_warning),
        case("layout::a_failed_sign_out_took_three_lines_on_a_phone", failed_sign_out),
        case("layout::the_page_had_a_scrollbar_beside_those_of_its_panes", scrollbars),
        case("layout::five_sections_fit_on_the_narrowest_phone", five_sections),
        case("layout::a_wide_window_was_left_empty", wide_window),
        case("layout::ios_zoomed_into_small_fields", field_sizes),
    ]
}

/// The rows that are in sight as a whole.
const ROWS_IN_SIGHT: &str = "(() => {
    const list = document.querySelector('.list-scroller').getBoundingClientRect();
    const bar = document.querySelector('.main-nav').getBoundingClientRect();
    const bottom = Math.min(list.bottom, innerHeight, bar.top > list.top ? bar.top : Infinity);
    return [...document.querySelectorAll('a.lead-row')].map((row) => row.getBoundingClientRect())
        .filter((row) => row.top >= Math.max(0, list.top) && row.bottom <= bottom).length;
})()";

const ROW_COUNT: &str = "document.querySelectorAll('a.lead-row').length";

async fn open_inbox(page: &Page) {
    page.goto_blank().await;
    page.goto("/admin").await;
    page.wait_until("document.querySelector('a.lead-row') !== null").await;
}

/// Below 500 pixels of height there is no room for panes: the page scrolls as a whole, and the list still loads
/// page by page.
async fn short_windows(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(170);
    page.sign_in().await;
    for (width, height, zoom) in [(667, 375, 1), (844, 390, 1), (1366, 768, 2), (1280, 1024, 4)] {
        let window = format!("{width}x{height} at {zoom}00 %");
        page.resize_zoomed(width, height, zoom).await;
        open_inbox(&page).await;
        page.assert_no_horizontal_scroll(&window).await;
        assert_eq!(page.eval(ROW_COUNT).await, 50, "{window}: the next page is loaded on demand");
        page.eval("scrollTo(0, document.querySelectorAll('a.lead-row')[20].offsetTop)").await;
        assert!(
            page.eval(ROWS_IN_SIGHT).await.as_u64() >= Some(2),
            "{window}: rows fill the window"
        );
        page.eval("scrollTo(0, document.documentElement.scrollHeight)").await;
        page.wait_until(&format!("{ROW_COUNT} === 150")).await;

        // The lead takes the page, and the list comes back where it was.
        page.eval("document.querySelectorAll('a.lead-row')[60].focus()").await;
        let position = page.eval("scrollY").await;
        page.eval("document.activeElement.click()").await;
        page.wait_until("document.querySelector('.lead h1') !== null && scrollY === 0").await;
        page.assert_no_horizontal_scroll(&format!("the lead at {window}")).await;
        page.press(ESCAPE).await;
        page.wait_until(&format!("scrollY === {position}")).await;
    }
}

async fn visible_rows(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(20);
    page.sign_in().await;
    for (width, height, rows) in [(1440, 900, 9), (1366, 768, 7), (390, 844, 4)] {
        page.resize(width, height).await;
        open_inbox(&page).await;
        let visible = page.eval(ROWS_IN_SIGHT).await;
        assert!(visible.as_u64() >= Some(rows), "{width}x{height}: {visible} rows");
    }
}

/// Signs in where a backup is missed, which is once the first lead is old.
async fn open_with_warning(server: &TestServer, page: &Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    let make_old = "DROP TRIGGER lead_inbox_refuses_update;
        UPDATE lead_inbox SET created_at_utc = '2020-06-17T08:00:00.000000Z'";
    server.open_database().execute_batch(make_old).expect("a time");
    page.sign_in().await;
    page.wait_for_text(".banner.warning", "Il n’y a pas de sauvegarde").await;
}

async fn warning_banner(server: TestServer, page: Page) {
    open_with_warning(&server, &page).await;
    let height = page.eval("document.querySelector('.banner').offsetHeight").await;
    assert!(height.as_u64().expect("pixels") <= 40, "one line: {height}");
    page.click(".banner button").await;
    page.wait_until("document.querySelector('.banner') === null").await;
    page.reload().await;
    // Its mark stays.
    page.wait_for_text(".main-nav a[href='/admin/status']", "attention").await;
    assert!(!page.exists(".banner").await);
    page.assert_accessible("the mark").await;
}

async fn ended_warning(server: TestServer, page: Page) {
    open_with_warning(&server, &page).await;
    for (put_away, shown) in [("backup_old disk_low", false), ("disk_low", true)] {
        page.eval(&format!("localStorage.setItem('fastcore.warnings-put-away', '{put_away}')"))
            .await;
        page.reload().await;
        page.wait_for_text(".main-nav a[href='/admin/status']", "attention").await;
        assert_eq!(page.exists(".banner").await, shown, "{put_away}");
    }
}

async fn failed_sign_out(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.resize(390, 844).await;
    page.sign_in().await;
    server.kill();
    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    let height = page.wait_until("document.querySelector('.toast')?.offsetHeight").await;
    assert!(height.as_u64().expect("pixels") <= 45, "one line: {height}");
}

async fn scrollbars(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(30);
    page.sign_in().await;
    page.click("a.lead-row").await;
    page.wait_until("document.querySelector('.lead h1') !== null").await;
    let heights = page.eval("[document.documentElement.scrollHeight, innerHeight]").await;
    assert_eq!(heights[0], heights[1], "the page itself does not scroll");
}

async fn five_sections(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    let cut = "[...document.querySelectorAll('.main-nav a')].filter((link) =>
        link.scrollWidth > link.clientWidth || link.getBoundingClientRect().right > innerWidth)
        .map((link) => link.textContent)";
    for (width, height) in [(320, 640), (320, 256), (390, 844), (667, 375), (844, 390), (1366, 768)]
    {
        page.resize(width, height).await;
        let view = format!("five sections at {width}x{height}");
        page.assert_no_horizontal_scroll(&view).await;
        assert_eq!(page.eval(cut).await, json!([]), "{view}");
    }
}

async fn wide_window(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.resize(2560, 1300).await;
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_until("document.querySelector('.lead h1') !== null").await;
    let columns =
        "[...document.querySelectorAll('.lead-column')].map((c) => c.getBoundingClientRect().left)";
    let columns = page.eval(columns).await;
    assert_ne!(columns[0], columns[1], "message and history are side by side");
    let used = "document.querySelector('.list-pane').offsetWidth + document.querySelector('.lead').offsetWidth";
    assert!(page.eval(used).await.as_u64() > Some(2000));
}

async fn field_sizes(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.resize(390, 844).await;
    page.emulate_touch().await;
    page.sign_in().await;
    for path in ["/admin?since=2026-01-01&until=2026-01-31", "/admin/stats", "/admin/audit"] {
        page.goto(path).await;
        page.wait_until("document.querySelector('main select') !== null").await;
        let sizes = "[...document.querySelectorAll('input, select')].map((f) => parseFloat(getComputedStyle(f).fontSize))";
        let sizes = page.eval(sizes).await;
        let sizes: Vec<f64> = serde_json::from_value::<Vec<Value>>(sizes)
            .expect("sizes")
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size >= 16.0), "{path}: {sizes:?}");
    }
}
