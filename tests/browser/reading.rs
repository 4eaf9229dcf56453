//! What a person reads: large text, forced colors, paper, dates, and characters that deceive.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("reading::large_text_was_cut", large_text),
        case("reading::forced_colors_hid_the_open_lead_and_the_section", forced_colors),
        case("reading::a_short_lead_took_two_sheets", sheets),
        case("reading::a_long_list_was_printed_as_empty_boxes", long_list),
        case("reading::the_first_of_a_month_was_not_written_as_in_french", first_of_month),
        case("reading::a_name_of_invisible_characters_was_shown_as_nothing", invisible_names),
        case("reading::a_touch_screen_was_told_to_hover", touch_help),
    ]
}

async fn large_text(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    server.post_lead(&json!({}));
    server.post_refused(&json!({ "name": "", "meta": { "ip_hash": "192.0.2.1" } }));
    page.sign_in().await;
    page.goto("/admin/refused").await;
    let refused = "document.querySelector('.refused-list li a')?.getAttribute('href')";
    let refused = page.wait_until(refused).await;
    let cut = "[...document.querySelectorAll('.lead-toolbar a, .tiles dt, .tiles dd, .status-summary > div, .refused-list a, .refused-contacts a, .refused-facts div')]
        .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth)
        .map((e) => e.textContent)";
    for (path, loaded) in [
        ("/admin", "a.lead-row"),
        (&*format!("/admin/leads/{id}"), ".lead h1"),
        ("/admin/refused", ".refused-list li"),
        (refused.as_str().expect("a path"), ".refused-body"),
        ("/admin/stats", ".tiles"),
        ("/admin/status", ".tiles"),
        ("/admin/audit", ".audit-log li"),
        ("/admin/account", ".sessions"),
    ] {
        for (width, height) in [(1440, 900), (844, 390), (390, 844)] {
            page.resize(width, height).await;
            page.goto_blank().await;
            page.goto(path).await;
            page.double_text_size().await;
            page.wait_until(&format!("document.querySelector({}) !== null", json!(loaded))).await;
            let view = format!("{path} at {width}x{height}");
            page.assert_no_horizontal_scroll(&view).await;
            assert_eq!(page.eval(cut).await, json!([]), "{view}");
        }
    }
}

async fn forced_colors(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(2);
    page.emulate_feature("forced-colors", "active").await;
    page.sign_in().await;
    page.click("a.lead-row").await;
    page.wait_until("document.querySelector('a.lead-row[aria-current]') !== null").await;
    for (css, property) in [("a.lead-row", "borderLeftColor"), (".main-nav a", "outlineStyle")] {
        let values = format!(
            "['{css}[aria-current]', '{css}:not([aria-current])'].map((css) => getComputedStyle(document.querySelector(css)).{property})"
        );
        let values = page.eval(&values).await;
        assert_ne!(values[0], values[1], "{css}");
    }
    page.assert_accessible("forced colors").await;
}

async fn sheets(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.sign_in().await;
    for (path, loaded) in [
        (&*format!("/admin/leads/{id}"), ".lead h1"),
        ("/admin/audit", ".audit-log li"),
        ("/admin", "a.lead-row"),
    ] {
        page.goto(path).await;
        page.wait_until(&format!("document.querySelector({}) !== null", json!(loaded))).await;
        assert_eq!(page.printed_sheets().await, 1, "{path}");
    }
    // "Just now" says nothing on paper.
    page.emulate_print().await;
    let printed = "(() => {
        const time = document.querySelector('.lead-row time');
        return [getComputedStyle(time).fontSize, getComputedStyle(time, '::after').content];
    })()";
    let printed = page.eval(printed).await;
    assert_eq!(printed[0], "0px");
    let time = printed[1].as_str().expect("a text");
    assert!(time.contains(':') && !time.contains("instant"), "{time}");
}

async fn long_list(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(170);
    page.sign_in().await;
    let scroll =
        "(() => { const s = document.querySelector('.list-scroller'); s.scrollTop = s.scrollHeight;
        return document.querySelector('.list-end').textContent.includes('tout') })()";
    page.wait_until(scroll).await;
    let rows = "document.querySelectorAll('a.lead-row').length";
    page.wait_until(&format!("{rows} < 170")).await;
    // The last listener sees what is printed.
    page.eval(&format!(
        "addEventListener('beforeprint', () => {{ window.printed = {rows}; }}) ?? null"
    ))
    .await;
    assert!(page.printed_sheets().await > 3);
    assert_eq!(page.eval("window.printed").await, 170);
}

async fn first_of_month(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    let make_old = "DROP TRIGGER lead_inbox_refuses_update;
        UPDATE lead_inbox SET created_at_utc = '2024-02-01T10:00:00.000000Z'";
    server.open_database().execute_batch(make_old).expect("a time");
    page.sign_in().await;
    page.wait_for_text(".lead-row time", "1er févr. 2024").await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead-meta", "jeudi 1er février 2024").await;
    let subject = "decodeURIComponent(document.querySelector('.lead-actions a').href)";
    let subject = page.eval(subject).await;
    assert!(subject.as_str().is_some_and(|text| text.contains("1er février")), "{subject}");
}

async fn invisible_names(server: TestServer, page: Page) {
    server.add_staff("claire");
    // Persian and emoji need their joiners.
    server.post_lead(&json!({ "name": "علی\u{200c}رضا 👩\u{200d}🔧" }));
    server.post_lead(&json!({ "name": "Jean\u{200b}Dupont", "company": "\u{202e}lleD" }));
    let id = server.post_lead(&json!({
        "name": "\u{200b}\u{3164}\u{2800}", "email": "jean@ex\u{430}mple.com",
        "message": "Une ligne en français.\nمرحبا بكم!\nEt une autre (ici).",
    }));
    page.sign_in().await;
    page.wait_until("document.querySelectorAll('a.lead-row').length === 3").await;
    let names = page.texts(".lead-row-name").await;
    assert_eq!(names, ["Sans nom", "JeanU+200BDupont", "علی\u{200c}رضا 👩\u{200d}🔧"]);
    page.wait_for_text(".lead-row-company", "U+202ElleD").await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "jean@ex\u{430}mple.com").await;
    page.wait_for_text(".contact", "xn--exmple-4nf.com").await;
    page.assert_accessible("a name without a shape").await;
}

async fn touch_help(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    page.emulate_touch().await;
    page.goto("/admin/stats").await;
    page.wait_until("document.querySelector('.chart-caption')?.innerText.includes('Touchez')")
        .await;
    page.press('?').await;
    page.wait_for_text("dialog", "heures").await;
    let text = page.eval("document.body.innerText").await;
    assert!(!text.as_str().expect("text").contains("Survolez"), "{text}");
}
