//! What comes back, and what is kept: after the server was away, after a look at another view.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("recovery::a_view_that_failed_stayed_failed", failed_views),
        case("recovery::new_leads_were_not_announced_outside_of_the_inbox", new_leads_elsewhere),
        case("recovery::the_history_of_the_open_lead_did_not_follow_its_status", history),
        case("recovery::a_look_at_the_figures_lost_filter_and_position", filter_and_position),
    ]
}

async fn failed_views(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    server.post_refused(&json!({ "name": "" }));
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    for (link, loaded) in [
        (".main-nav a[href='/admin/refused']", ".refused-list li"),
        (".refused-list li a", ".refused-body"),
        (".main-nav a[href='/admin/stats']", ".tiles"),
        (".main-nav a[href='/admin/audit']", ".audit-log li"),
        (".main-nav a[href='/admin/status']", ".tiles"),
        (".main-nav a[href='/admin']", "a.lead-row"),
        ("a.lead-row", ".lead h1"),
    ] {
        server.kill();
        page.click(link).await;
        if loaded != "a.lead-row" {
            page.wait_for_text("main .empty-state", "Le serveur ne répond pas").await;
        }
        server.start_again();
        page.wait_until(&format!("document.querySelector({}) !== null", json!(loaded))).await;
        page.wait_until("document.querySelector('.banner.neutral') === null").await;
    }
}

async fn new_leads_elsewhere(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.goto_blank().await;
    page.goto("/admin/stats").await;
    page.wait_until(
        "performance.getEntriesByType('resource').some((r) => r.name.includes('/admin/api/leads'))",
    )
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.post_lead(&json!({}));
    page.wait_until("document.title === '(1) Chiffres · FASTCore'").await;
    page.wait_for_text(".nav-badge", "1").await;
}

async fn history(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".timeline", "Demande ouverte").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    for status in ["processing", "resolved"] {
        server.run_command(&["lead", "set-status", &id, status], "");
    }
    page.wait_for_text(".timeline", "à « Traitée »").await;
    page.wait_for_text(".lead-meta", "Traitée").await;
    let rows = page.texts(".timeline li").await;
    assert_eq!(rows.len(), 4, "each event once, in its order: {rows:?}");
    assert!(rows[2].contains("En cours") && !rows[1].contains("fois"), "{rows:?}");
}

async fn filter_and_position(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(60);
    page.sign_in().await;
    page.goto("/admin?service=ponts#q=personne").await;
    page.wait_for_text(".list-summary p", "60 demandes").await;
    let position = "document.querySelector('.list-scroller')?.scrollTop";
    page.eval("document.querySelector('.list-scroller').scrollTop = 900").await;
    page.wait_until(&format!("{position} === 900")).await;
    for section in ["/admin/stats", "/admin/audit"] {
        page.click(&format!(".main-nav a[href='{section}']")).await;
        page.wait_until("document.querySelector('main select') !== null && document.querySelector('.list-scroller') === null").await;
        page.click(".main-nav a").await;
        page.wait_until(&format!("{position} === 900")).await;
        assert_eq!(page.path().await, "/admin?service=ponts#q=personne");
        page.wait_for_text(".list-summary p", "60 demandes").await;
    }
}
