//! The page as an application: without the server, after an upgrade, without HTTPS, its alerts and its swipes.

use std::time::Duration;

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
    // A busy machine takes longer to start its audio than a sound is worth waiting for.
    Object.defineProperty(AudioContext.prototype, 'state', { get: () => 'running', configurable: true });
    AudioContext.prototype.resume = async () => {};
    document.hasFocus = () => false;";

/// The notifications that are shown.
const NOTIFICATIONS: &str =
    "navigator.serviceWorker.getRegistration('/admin').then((worker) => worker.getNotifications())
    .then((all) => all.map(({ title, body }) => `${title}: ${body}`))";

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("installed::the_page_did_not_open_without_the_server", opens_without_server),
        case("installed::a_kept_language_went_and_left_the_page_empty", other_language),
        case("installed::a_notification_opened_the_api_documentation", notification_click),
        case("installed::an_error_was_kept_as_the_page", failed_install),
        case("installed::an_old_page_stayed_after_an_upgrade", old_page),
        case_with(
            "installed::the_page_works_without_https",
            TestServer::start_without_https,
            without_https,
        ),
        case("installed::a_new_lead_is_announced_by_one_tab_and_without_its_name", announced),
        case("installed::a_sound_that_was_not_allowed_kept_the_notification_back", silent),
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
    for view in
        ["/admin/refused", "/admin/refused/00000000-0000-7000-8000-000000000000", "/admin/stats"]
    {
        page.goto(view).await;
        page.wait_for_text("[role=alert]", "Le serveur ne répond pas").await;
    }
    page.assert_accessible("the page without the server").await;
    server.start_again();
    // By itself.
    page.wait_for_text("h1", "Chiffres").await;
    page.wait_until("document.querySelector('.chart canvas') !== null").await;
}

async fn other_language(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.wait_until_resolved(KEPT).await;
    page.click(".account-button").await;
    page.click(".menu button[lang=en]").await;
    page.wait_for_text(".live-indicator.on", "Live").await;
    let kept = "caches.open('fastcore-page-1').then((cache) => cache.keys())
        .then((requests) => requests.some(({ url }) => url.includes('/lang/en.')))";
    for _ in 0..2 {
        page.reload().await;
        page.wait_for_text(".live-indicator.on", "Live").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(page.resolve(kept).await, true);
    }
    // Where it is not kept, French is better than nothing.
    let forget = "caches.open('fastcore-page-1').then(async (cache) => {
          for (const { url } of await cache.keys()) if (url.includes('/lang/en.')) await cache.delete(url, { ignoreVary: true });
          return true;
        })";
    assert_eq!(page.resolve(forget).await, true);
    page.clear_http_cache().await;
    server.kill();
    page.goto_blank().await;
    page.goto("/admin").await;
    page.wait_for_text("[role=alert]", "Le serveur ne répond pas").await;
}

/// Runs the service worker's script in the page, with a window of the API documentation and one of the page.
const WORKER_IN_PAGE: &str = "new Promise((resolve) => {
        window.shown = [];
        const open = (path) => ({ url: location.origin + path, focus: async () => window.shown.push(path), postMessage() {} });
        window.clients = { matchAll: async () => ['/docs', '/admin/stats'].map(open) };
        window.skipWaiting = () => window.shown.push('skipWaiting');
        const script = document.createElement('script');
        script.src = '/admin/sw.js';
        script.onload = () => resolve(true);
        document.head.append(script);
    })";

/// Sends an event to the script, and waits for what it waits for.
fn worker_event(name: &str) -> String {
    format!(
        "new Promise((resolve, reject) => {{
            const event = Object.assign(new Event('{name}'), {{
                notification: {{ close() {{}} }}, waitUntil: (promise) => promise.then(resolve, reject),
            }});
            dispatchEvent(event);
        }})"
    )
}

async fn notification_click(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    assert_eq!(page.resolve(WORKER_IN_PAGE).await, true);
    page.resolve(&worker_event("notificationclick")).await;
    assert_eq!(page.eval("window.shown").await, json!(["/admin/stats"]));
}

async fn failed_install(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    assert_eq!(page.resolve(WORKER_IN_PAGE).await, true);
    page.eval("(window.fetch = async () => new Response('Bad gateway', { status: 502 })) && null")
        .await;
    assert_eq!(page.resolve(&worker_event("install")).await, "Error: 502");
    assert_eq!(page.eval("window.shown").await, json!([]));
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
    let kept = "caches.open('fastcore-page-1').then(async (cache) => {
          const text = await (await cache.match('/admin')).text();
          return !text.includes('Old') && (await cache.match('/admin/assets/app.0000000000.js')) === undefined;
        })";
    page.wait_until_resolved(kept).await;
    // The old one is shown where the server takes long.
    page.reload().await;
    page.wait_for_text("h1", "Demandes").await;
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
    page.wait_until("window.tones === 4").await;
    assert_eq!(second, 0, "one tab rings");
}

/// As in a page that nobody has clicked in, where the sound waits.
async fn silent(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.grant_notifications("granted").await;
    page.run_first(COUNT_TONES).await;
    page.run_first(
        "Object.defineProperty(AudioContext.prototype, 'state', { get: () => 'suspended' });
        AudioContext.prototype.resume = () => new Promise(() => {});
        const { showNotification } = ServiceWorkerRegistration.prototype;
        window.alerts = [];
        ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
            window.alerts.push([options.tag, options.renotify]);
            return showNotification.call(this, title, options);
        };",
    )
    .await;
    page.sign_in().await;
    page.wait_until_resolved(KEPT).await;
    for kind in ["notification", "sound"] {
        page.eval(&format!("localStorage.setItem('fastcore.alert.{kind}', 'on')")).await;
    }
    page.reload().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.post_lead(&json!({}));
    page.wait_until("window.alerts.length === 1").await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    // The second one has the place of the first, and is heard as well.
    server.post_lead(&json!({}));
    page.wait_until("window.alerts.length === 2").await;
    let again = json!(["fastcore-lead", true]);
    assert_eq!(page.eval("window.alerts").await, json!([again, again]));
    assert_eq!(page.eval("window.tones").await, 0);
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
