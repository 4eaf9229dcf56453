//! Every view: accessible in both themes, from 320 px up, in both languages.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

/// A path, and an element that is there when the view is loaded.
const SIGNED_OUT: [(&str, &str); 3] =
    [("/admin", "#username"), ("/admin/setup#00", "a.button"), ("/admin/setup", "a.button")];
const SIGNED_IN: [(&str, &str); 11] = [
    ("/admin", "a.lead-row"),
    ("/admin#q=introuvable", ".list-pane .empty-state"),
    ("/admin/refused", ".refused-list li"),
    ("/admin/nulle-part", ".empty-state h1"),
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
        case("views::an_unknown_address_leads_back_to_the_inbox", unknown),
        case("views::nothing_moves_for_those_who_want_less_motion", reduced_motion),
        case("views::a_click_on_a_bar_opens_its_leads", click_on_bar),
        case("views::stats_have_tables", stats),
        case("views::an_average_counted_days_outside_of_its_period", average),
        case("views::a_damaged_row_hid_the_whole_audit_log", damaged_row),
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
    server.post_refused(&json!({ "name": "" }));
    page.resize(1440, 900).await;
    page.sign_in().await;
    for (path, loaded) in SIGNED_IN {
        check_view(&page, path, loaded).await;
    }
    check_view(&page, &format!("/admin/leads/{id}"), ".lead h1").await;
    page.goto("/admin/refused").await;
    let refused = "document.querySelector('.refused-list li a')?.getAttribute('href')";
    let refused = page.wait_until(refused).await;
    check_view(&page, refused.as_str().expect("a path"), ".refused-body").await;
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

async fn average(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(3);
    page.sign_in().await;
    let today = "new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Paris' }).format()";
    let today = page.eval(today).await;
    let today = today.as_str().expect("a day");
    for by in ["day", "week"] {
        page.goto(&format!("/admin/stats?since={today}&until=2999-01-01&by={by}")).await;
        page.wait_for_text(".tiles", "En moyenne par jour3").await;
    }
    // The same period has the same average.
    let mut averages = Vec::new();
    for by in ["day", "week"] {
        page.goto(&format!("/admin/stats?period=30d&by={by}")).await;
        page.wait_until("document.querySelector('.tiles') !== null").await;
        averages.push(page.texts(".tiles > div:nth-child(2) dd").await);
    }
    assert_eq!(averages[0], averages[1]);
}

/// A row that somebody has changed without care for its form.
async fn damaged_row(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.sign_in().await;
    let damage = "DROP TRIGGER audit_log_refuses_update; UPDATE audit_log
        SET created_at_utc = '2026-99-99T99:99:99.999999Z', actor = NULL, event = 'LEAD_CONFLICT',
            details_json = '{\"fields\":1}'
        WHERE event = 'LEAD_RECEIVED'";
    server.open_database().execute_batch(damage).expect(damage);
    page.goto("/admin/audit").await;
    page.wait_for_text(".audit-log li", "LEAD_CONFLICT, par ?").await;
    page.wait_for_text(".audit-log li", "2026-99-99T99:99:99.999999Z").await;
    page.wait_for_text(".audit-log li", "Connexion de").await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".timeline", "2026-99-99T99:99:99.999999Z").await;
}

async fn unknown(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.goto("/admin/nulle-part").await;
    page.wait_for_text("h1", "Cette page n’existe pas").await;
    page.click("main a").await;
    page.wait_for_text(".list-summary p", "0 demande").await;
    assert_eq!(page.path().await, "/admin");
}

async fn reduced_motion(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    // As after a click on the new leads.
    let durations = "(() => {
        const row = document.querySelector('a.lead-row');
        row?.classList.add('highlight');
        return row && getComputedStyle(row).animationDuration;
    })()";
    page.sign_in().await;
    assert_eq!(page.wait_until(durations).await, "4s");
    page.emulate_feature("prefers-reduced-motion", "reduce").await;
    assert_eq!(page.wait_until(durations).await, "1e-05s");
}

/// Moves the mouse to the last bar; true once it is read.
const HOVER_LAST_BAR: &str = "(() => {
    const over = document.querySelector('.chart .u-over');
    const box = over?.getBoundingClientRect();
    over?.dispatchEvent(new MouseEvent('mouseenter'));
    over?.dispatchEvent(new MouseEvent('mousemove', { clientX: box.right - 5, clientY: box.top + 50 }));
    return document.querySelector('.chart-caption')?.textContent.endsWith('1 demande');
})()";

async fn click_on_bar(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    page.goto("/admin/stats?period=7d").await;
    page.wait_until(HOVER_LAST_BAR).await;
    let over = "(({ right, top }) => [right - 20, top + 50])(document.querySelector('.chart .u-over').getBoundingClientRect())";
    let over = page.eval(over).await;
    page.click_at(over[0].as_f64().expect("x"), over[1].as_f64().expect("y")).await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    let path = page.path().await;
    assert!(path.starts_with("/admin?since=20") && path.contains("&until=20"), "{path}");
}

/// All leads are from today, so both periods have the same total and the same peak.
async fn longer_period(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    page.goto("/admin/stats?period=7d").await;
    page.wait_until(HOVER_LAST_BAR).await;
    page.select(".page-filters select", "30d").await;
    page.wait_until("document.querySelectorAll('.table-scroller tbody tr').length === 30").await;
    page.wait_until(HOVER_LAST_BAR).await;
}
