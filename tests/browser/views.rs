//! Every view: accessible in both themes, from 320 px up, in both languages.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

/// A path, and an element that is there when the view is loaded.
const SIGNED_OUT: [(&str, &str); 3] =
    [("/admin", "#username"), ("/admin/setup#00", "a.button"), ("/admin/setup", "a.button")];
const SIGNED_IN: [(&str, &str); 9] = [
    ("/admin", "a.lead-row"),
    ("/admin#q=introuvable", ".list-pane .empty-state"),
    ("/admin/stats", ".chart canvas"),
    ("/admin/stats?period=12m", ".chart canvas"),
    ("/admin/audit", ".audit-log li"),
    ("/admin/audit?event=LEAD_RECEIVED", ".audit-log li"),
    ("/admin/status", ".tiles"),
    ("/admin/account", ".sessions"),
    ("/admin/leads/00000000-0000-7000-8000-000000000000", ".empty-state h1"),
];

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("views::accessible_in_light_theme", |server, page| accessible(server, page, "light")),
        case("views::accessible_in_dark_theme", |server, page| accessible(server, page, "dark")),
        case("views::the_theme_follows_the_system", theme),
        case("views::language_by_default_browser_and_switch", languages),
        case("views::stats_have_tables", stats),
        case("views::a_longer_period_redraws_the_chart", longer_period),
    ]
}

async fn accessible(server: TestServer, page: Page, theme: &'static str) {
    page.emulate_theme(theme).await;
    for (path, loaded) in SIGNED_OUT {
        check_view(&page, path, loaded).await;
    }
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    server.post_lead(&json!({ "name": "Anne-Charlotte de La Rochefoucauld-Montmorency", "company": "X".repeat(120) }));
    page.resize(1440, 900).await;
    page.sign_in().await;
    for (path, loaded) in SIGNED_IN {
        check_view(&page, path, loaded).await;
    }
    check_view(&page, &format!("/admin/leads/{id}"), ".lead h1").await;
    for (key, dialog) in [('e', "dialog .export-formats"), ('?', "dialog .bullet-list")] {
        page.goto("/admin").await;
        page.wait_until("document.querySelector('a.lead-row') !== null").await;
        page.press(key).await;
        page.wait_until(&format!("document.querySelector({}) !== null", json!(dialog))).await;
        page.assert_accessible(dialog).await;
    }
    page.goto("/admin").await;
    page.click(".account-button").await;
    page.assert_accessible("the menu").await;
}

/// Checks a view on a desktop screen and on the narrowest phone.
async fn check_view(page: &Page, path: &str, loaded: &str) {
    for (width, height) in [(1440, 900), (320, 640)] {
        page.resize(width, height).await;
        page.goto_blank().await;
        page.goto(path).await;
        page.wait_until(&format!("document.querySelector({}) !== null", json!(loaded))).await;
        let view = format!("{path} at {width}");
        page.assert_no_horizontal_scroll(&view).await;
        page.assert_accessible(&view).await;
    }
}

async fn theme(_server: TestServer, page: Page) {
    let background = "getComputedStyle(document.documentElement).backgroundColor";
    page.emulate_theme("light").await;
    page.goto("/admin").await;
    page.wait_until("document.querySelector('#username') !== null").await;
    assert_eq!(page.eval(background).await, "rgb(247, 246, 243)");
    page.emulate_theme("dark").await;
    assert_eq!(page.eval(background).await, "rgb(19, 23, 26)");
}

/// Finds the keys that only one of the two language files has; both are loaded by then.
const COMPARE_KEYS: &str = "Promise.all(performance.getEntriesByType('resource').map((r) => r.name)
    .filter((name) => /\\/lang\\/(fr|en)\\./.test(name)).map((name) => import(name))).then(([one, other]) => {
      const keys = (o, at = '') => Object.entries(o).flatMap(([k, v]) =>
        v && typeof v === 'object' ? keys(v, `${at}${k}.`) : [`${at}${k}`]);
      const [a, b] = [keys(one.default), keys(other.default)];
      window.differing = [...a.filter((k) => !b.includes(k)), ...b.filter((k) => !a.includes(k))];
    }) && null";

async fn languages(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.eval("document.documentElement.lang").await, "fr");
    page.click(".account-button").await;
    page.click(".menu button[lang=en]").await;
    page.wait_for_text(".list-summary p", "1 lead").await;
    page.eval(COMPARE_KEYS).await;
    let differing = page.wait_until("window.differing").await;
    assert_eq!(differing, json!([]), "texts that one language lacks");
    page.reload().await;
    page.wait_for_text(".list-summary p", "1 lead").await;
    assert_eq!(page.eval("document.documentElement.lang").await, "en");
    page.eval("localStorage.clear()").await;
    page.accept_languages("de-DE,en-GB").await;
    page.reload().await;
    page.wait_for_text(".list-summary p", "1 lead").await;
    page.accept_languages("de-DE").await;
    page.reload().await;
    page.wait_for_text(".list-summary p", "1 demande").await;
}

async fn stats(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    let id = server.post_lead(&json!({ "service": "cabines" }));
    server.run_command(&["lead", "set-status", &id, "processing"], "");
    page.sign_in().await;
    page.goto("/admin/stats").await;
    page.wait_for_text(".tiles", "Demandes reçues2").await;
    page.click(".card summary").await;
    page.wait_until("document.querySelectorAll('.table-scroller tbody tr').length === 30").await;
    page.wait_for_text(".table-scroller tbody tr:first-child td", "2").await;
    page.wait_for_text(".share-table tr", "Cabines150 %").await;
    page.wait_for_text(".share-table tr", "En cours150 %").await;
    page.wait_until(
        "document.querySelector('.chart').getAttribute('aria-label').includes('2 au total')",
    )
    .await;
}

/// All leads are from today, so both periods have the same total and the same peak.
async fn longer_period(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    page.goto("/admin/stats?period=7d").await;
    let last_bar = "(() => {
        const over = document.querySelector('.chart .u-over');
        const box = over?.getBoundingClientRect();
        over?.dispatchEvent(new MouseEvent('mouseenter'));
        over?.dispatchEvent(new MouseEvent('mousemove', { clientX: box.right - 5, clientY: box.top + 50 }));
        return document.querySelector('.chart-caption').textContent.endsWith('1 demande');
    })()";
    page.wait_until(last_bar).await;
    page.select(".page-filters select", "30d").await;
    page.wait_until("document.querySelectorAll('.table-scroller tbody tr').length === 30").await;
    page.wait_until(last_bar).await;
}
