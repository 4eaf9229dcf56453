//! The page as an application: without the server, after an upgrade, without HTTPS, its alerts and its swipes.

use libtest_mimic::Trial;
use serde_json::json;

use crate::driver::Page;
use crate::server::TestServer;
use crate::{case, case_with};

/// Whether the service worker has kept the page.
const KEPT: &str = "caches.match('/admin').then((page) => page !== undefined && navigator.serviceWorker.controller !== null)";

/// Counts the tones that the page plays.
const COUNT_TONES: &str = "window.tones = 0; const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...rest) { window.tones += 1; return start.apply(this, rest); };
    document.hasFocus = () => false;";

/// The notifications that are shown.
const NOTIFICATIONS: &str =
    "navigator.serviceWorker.getRegistration('/admin').then((worker) => worker.getNotifications())
    .then((all) => all.map(({ title, body }) => `${title}: ${body}`))";

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("installed::the_page_did_not_open_without_the_server", opens_without_server),
        case("installed::an_old_page_stayed_after_an_upgrade", old_page),
        case_with(
            "installed::the_page_works_without_https",
            TestServer::start_without_https,
            without_https,
        ),
        case("installed::a_new_lead_is_announced_by_one_tab_and_without_its_name", announced),
        case("installed::blocked_notifications_are_explained", blocked),
        case("installed::a_swipe_opens_the_next_lead", swipes),
    ]
}

async fn opens_without_server(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Zoé Personne" }));
    page.sign_in().await;
    page.wait_until_resolved(KEPT).await;
    page.click("a.lead-row").await;
    page.wait_for_text("h1", "Zoé Personne").await;
    // No lead is kept, in whatever form.
    let all = "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name).then((cache) => cache.keys()))))
        .then((requests) => requests.flat().map(({ url }) => new URL(url).pathname))";
    let kept = page.resolve(all).await;
    let kept: Vec<&str> =
        kept.as_array().expect("paths").iter().filter_map(|path| path.as_str()).collect();
    assert!(kept.len() > 5, "{kept:?}");
    assert!(
        kept.iter().all(|path| *path == "/admin" || path.starts_with("/admin/assets/")),
        "{kept:?}"
    );

    server.kill();
    page.goto_blank().await;
    page.goto("/admin/stats").await;
    page.wait_for_text("[role=alert]", "Le serveur ne répond pas").await;
    page.assert_accessible("the page without the server").await;
    server.start_again();
    // By itself.
    page.wait_for_text("h1", "Chiffres").await;
    page.wait_until("document.querySelector('.chart canvas') !== null").await;
}

/// The cache as an earlier version left it.
async fn old_page(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.wait_until_resolved(KEPT).await;
    let old = "caches.open('fastcore-page-0').then((cache) => cache.put('/admin', new Response('older')))
        .then(() => caches.open('fastcore-page-1')).then(async (cache) => {
          await cache.put('/admin', new Response('<h1>Old</h1>', { headers: { 'Content-Type': 'text/html' } }));
          await cache.put('/admin/assets/app.0000000000.js', new Response('old'));
          return true;
        })";
    page.resolve(old).await;
    page.goto_blank().await;
    page.goto("/admin").await;
    page.wait_for_text("h1", "Demandes").await;
    let kept = "caches.open('fastcore-page-1').then(async (cache) => {
          const text = await (await cache.match('/admin')).text();
          return !text.includes('Old') && (await cache.match('/admin/assets/app.0000000000.js')) === undefined;
        })";
    page.wait_until_resolved(kept).await;
    // Another version of the service worker.
    let replace =
        "navigator.serviceWorker.getRegistration('/admin').then((worker) => worker.unregister())";
    page.resolve(replace).await;
    page.reload().await;
    page.wait_until_resolved("caches.has('fastcore-page-0').then((there) => !there)").await;
}

async fn without_https(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    assert_eq!(page.eval("isSecureContext || 'serviceWorker' in navigator").await, false);
    page.wait_for_text(".list-summary", "En direct").await;
    page.goto("/admin/account").await;
    page.wait_for_text(".account-section", "connexion sécurisée").await;
    assert!(page.exists("input[name=notification]:disabled").await);
}

async fn announced(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.grant_notifications("granted").await;
    page.run_first(COUNT_TONES).await;
    page.sign_in().await;
    page.wait_until_resolved(KEPT).await;
    server.post_lead(&json!({ "name": "Avant" }));
    page.wait_for_text("a.lead-row", "Avant").await;
    assert_eq!(page.eval("window.tones").await, 0, "neither is on by itself");
    assert_eq!(page.resolve(NOTIFICATIONS).await, json!([]));

    page.goto("/admin/account").await;
    page.click("input[name=notification]").await;
    page.click("input[name=sound]").await;
    page.wait_until("window.tones === 2").await;
    page.wait_until("document.querySelectorAll('input[type=checkbox]:checked').length === 2").await;
    page.assert_accessible("alerts").await;
    page.open_tab().await;
    page.run_first(COUNT_TONES).await;
    page.goto("/admin").await;
    page.wait_for_text(".list-summary", "En direct").await;
    server.post_lead(&json!({ "name": "Zoé Personne", "service": "compresseurs" }));
    page.wait_for_text(".new-leads", "1 nouvelle demande").await;
    page.wait_until_resolved(&format!("{NOTIFICATIONS}.then((all) => all.length > 0)")).await;
    assert_eq!(page.resolve(NOTIFICATIONS).await, json!(["Nouvelle demande: Compresseurs"]));
    let second = page.eval("window.tones").await;
    page.switch_to_first_tab().await;
    let first = page.eval("window.tones").await;
    assert_eq!((first, second), (json!(4), json!(0)), "one tab rings");
}

async fn blocked(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.grant_notifications("denied").await;
    page.sign_in().await;
    page.goto("/admin/account").await;
    page.wait_for_text(".account-section", "Le navigateur bloque les notifications").await;
    assert!(page.exists("input[name=notification]:disabled").await);
}

async fn swipes(server: TestServer, page: Page) {
    server.add_staff("claire");
    for name in ["Un", "Deux", "Trois"] {
        server.post_lead(&json!({ "name": name }));
    }
    page.sign_in().await;
    page.resize(390, 844).await;
    page.click("a.lead-row").await;
    page.wait_for_text("h1", "Trois").await;
    page.swipe((300, 400), (120, 410)).await;
    page.wait_for_text("h1", "Deux").await;
    // Neither a scroll, nor a swipe of the browser's own from the edge.
    page.swipe((300, 600), (200, 300)).await;
    page.swipe((385, 400), (120, 400)).await;
    assert_eq!(page.texts("h1").await.last().map(String::as_str), Some("Deux"));
    page.swipe((120, 400), (300, 390)).await;
    page.wait_for_text("h1", "Trois").await;
}
