//! What the inbox says about the whole list: unread leads, counts of each status, and its order.

use libtest_mimic::Trial;
use serde_json::json;

use crate::driver::Page;
use crate::server::TestServer;
use crate::{case, case_with_two_browsers};

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("inbox_chips::a_lead_is_bold_until_somebody_opens_it", unread),
        case_with_two_browsers("inbox_chips::who_else_opened_a_lead_is_named", opened_by_other),
        case("inbox_chips::statuses_are_counted_live_and_filter", counts),
        case("inbox_chips::the_list_can_begin_with_the_oldest_lead", oldest_first),
        case(
            "inbox_chips::a_period_that_ends_before_it_begins_found_nothing_without_a_word",
            reversed,
        ),
        case(
            "inbox_chips::a_year_that_was_typed_broke_the_view_and_filled_the_history",
            typed_year,
        ),
        case("inbox_chips::figures_open_the_leads_that_they_count", figures),
    ]
}

async fn unread(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({ "name": "Une" }));
    server.post_lead(&json!({ "name": "Autre" }));
    page.sign_in().await;
    page.wait_for_text(".chip", "Pas encore ouvertes 2").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    let weights = "[...document.querySelectorAll('.lead-row-name')].map((e) => getComputedStyle(e).fontWeight)";
    assert_eq!(page.eval(weights).await, json!(["700", "700"]));
    // As another browser does it.
    page.eval(&format!("fetch('/admin/api/leads/{id}').then(() => true)")).await;
    page.wait_for_text(".lead-row.opened .lead-row-view", "vu par vous, ").await;
    page.wait_for_text(".chip", "Pas encore ouvertes 1").await;
    assert_eq!(page.eval(weights).await, json!(["700", "500"]));
    page.click("li:nth-child(6) > .chip").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.path().await, "/admin?opened=false");
    assert_eq!(page.texts(".lead-row-name").await, ["Autre"]);
    assert_eq!(page.texts(".chip[aria-current]").await, ["Toutes 1", "Pas encore ouvertes 1"]);
    // The open lead stays in the list, as somebody reads it.
    page.click("a.lead-row").await;
    page.wait_for_text(".lead h1", "Autre").await;
    page.wait_for_text(".chip", "Pas encore ouvertes 0").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Autre"]);
    // Opened before there is a stream of events.
    let id = server.post_lead(&json!({ "name": "Encore une" }));
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead-row[aria-current] .lead-row-view", "vu par vous, ").await;
}

async fn opened_by_other(server: TestServer, page: Page, other: Page) {
    server.add_staff("claire");
    server.add_staff("paul");
    let id = server.post_lead(&json!({}));
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    other.sign_in_as("paul").await;
    other.goto(&format!("/admin/leads/{id}")).await;
    other.wait_for_text(".lead h1", "Jean Dupont").await;
    page.wait_for_text(".lead-row-view", "vu par \u{2068}paul\u{2069}, ").await;
    page.click("a.lead-row").await;
    page.wait_for_text(".timeline", "Demande ouverte par \u{2068}paul\u{2069}").await;
}

async fn counts(server: TestServer, page: Page) {
    server.add_staff("claire");
    let ids: Vec<String> = (0..3).map(|_| server.post_lead(&json!({}))).collect();
    server.post_lead(&json!({ "service": "cabines" }));
    server.run_command(&["lead", "set-status", &ids[0], "processing"], "");
    page.sign_in().await;
    page.wait_until("document.querySelectorAll('.chip-count').length === 6").await;
    let all = [
        "Toutes 4",
        "Nouvelles 3",
        "En cours 1",
        "Traitées 0",
        "Archivées 0",
        "Pas encore ouvertes 4",
    ];
    assert_eq!(page.texts(".chip").await, all);
    page.wait_for_text(".oldest", "la plus ancienne : ").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.run_command(&["lead", "set-status", &ids[1], "processing"], "");
    page.wait_for_text(".chip", "En cours 2").await;
    page.click("li:nth-child(3) > .chip").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    assert_eq!(page.path().await, "/admin?status=processing");
    assert_eq!(page.texts(".chip[aria-current]").await, ["En cours 2"]);
    page.select(".filter-selects label:nth-child(2) select", "cabines").await;
    page.wait_for_text(".chip", "Nouvelles 1").await;
    assert_eq!(page.path().await, "/admin?status=processing&service=cabines");
    page.back().await;
    page.wait_for_path("/admin?status=processing").await;
    page.back().await;
    page.wait_for_text(".list-summary p", "4 demandes").await;
}

async fn oldest_first(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(3);
    page.sign_in().await;
    page.wait_for_text(".list-summary p", "3 demandes").await;
    page.click(".order-button").await;
    page.wait_until("document.querySelector('.lead-row-name').textContent === 'Personne 001'")
        .await;
    assert_eq!(page.path().await, "/admin?order=oldest");
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.post_lead(&json!({ "name": "Personne 004" }));
    page.wait_until("document.querySelectorAll('.lead-row-name').length === 4").await;
    let names = ["Personne 001", "Personne 002", "Personne 003", "Personne 004"];
    assert_eq!(page.texts(".lead-row-name").await, names, "at the end, where it moves nothing");
    page.click("a.lead-row").await;
    for name in &names[1..] {
        page.wait_until("document.querySelector('.lead h1') !== null").await;
        page.press('j').await;
        page.wait_for_text(".lead h1", name).await;
    }
    page.press('k').await;
    page.wait_for_text(".lead h1", "Personne 003").await;
}

async fn reversed(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    for view in ["", "/stats"] {
        page.goto(&format!("/admin{view}?since=2026-02-10&until=2026-02-01")).await;
        page.wait_for_text(".date-range [role=alert]", "« Du » vient après « Au »").await;
        let invalid = "document.querySelectorAll('input[type=date][aria-invalid=true]').length";
        assert_eq!(page.eval(invalid).await, 2);
        page.goto(&format!("/admin{view}?since=2026-02-01&until=2026-02-10")).await;
        page.wait_until("document.querySelector('.date-range') !== null").await;
        assert!(!page.exists(".date-range [role=alert]").await);
    }
}

async fn typed_year(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    for (view, refused) in [("", "1"), ("/stats", "2"), ("/audit", "3")] {
        page.goto(&format!("/admin{view}?since=2026-01-01&until=2026-01-31")).await;
        page.wait_until(
            "document.querySelector('input[type=date]')?.focus() || document.activeElement.type === 'date'",
        )
        .await;
        let entries = page.eval("history.length").await;
        page.type_keys("010120").await;
        // The page changes meanwhile.
        server.post_refused(&json!({ "name": "", "company": format!("Dans {view}") }));
        page.wait_for_text(".main-nav .nav-badge", refused).await;
        page.type_keys("25").await;
        page.wait_until("location.search === '?since=2025-01-01&until=2026-01-31'").await;
        assert_eq!(page.eval("history.length").await, entries, "{view}");
    }
    // Years that cannot be meant, in an address.
    page.goto("/admin/stats?since=0020-01-01&until=9999-12-31").await;
    page.wait_for_text(".tiles", "Demandes reçues").await;
}

async fn figures(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    let id = server.post_lead(&json!({ "service": "cabines" }));
    server.run_command(&["lead", "set-status", &id, "processing"], "");
    page.sign_in().await;
    page.goto("/admin/stats").await;
    page.wait_for_text(".tiles", "Aucune pendant les 30 jours précédents").await;
    let targets = "[...document.querySelectorAll('.tiles a, .share-table a')].map((a) => a.getAttribute('href'))";
    let targets: Vec<String> = serde_json::from_value(page.eval(targets).await).expect("texts");
    let of = |filter: &str| format!("/admin?period=30d{filter}");
    let expected =
        ["", "&service=ponts", "&service=cabines", "&status=received", "&status=processing"];
    assert_eq!(targets, expected.map(of));
    for (target, count) in [(0, "2 demandes"), (2, "1 demande"), (4, "1 demande")] {
        page.goto(&targets[target]).await;
        page.wait_for_text(".list-summary p", count).await;
    }
    page.goto("/admin/stats").await;
    page.click(".card summary").await;
    page.click(".table-scroller tbody a").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    let path = page.path().await;
    assert!(path.starts_with("/admin?since=20") && path.contains("&until=20"), "{path}");
    let longer_ago = "DROP TRIGGER lead_inbox_refuses_update; UPDATE lead_inbox
        SET created_at_utc = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-40 days') WHERE service = 'ponts'";
    server.open_database().execute_batch(longer_ago).expect(longer_ago);
    page.goto("/admin/stats").await;
    page.wait_for_text(".tiles", "0 % par rapport aux 30 jours précédents (1)").await;
}
