//! The inbox: search, filters, Back, paging, live events, keyboard.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::driver::{ENTER, ESCAPE, Page, TAB};
use crate::exports::{downloaded, read_text};
use crate::server::TestServer;
use crate::{case, case_with};

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("inbox::search_and_filters_are_in_the_address_and_back_undoes_them", search),
        case("inbox::a_search_was_in_every_address_that_a_proxy_logs", search_in_fragment),
        case("inbox::a_lead_of_the_future_was_shown_as_one_of_today", future),
        case("inbox::a_search_did_not_show_why_it_found_a_lead", marks),
        case("inbox::a_misspelt_word_and_a_query_of_signs_were_not_explained", nothing_found),
        case("inbox::a_search_beside_an_open_lead_lost_the_focus", search_beside_lead),
        case("inbox::a_filter_beside_an_open_lead_keeps_the_focus", filter_beside_lead),
        case("inbox::back_was_undone_by_the_search_field", back_while_typing),
        case("inbox::scrolling_loads_more_pages", scrolling),
        case("inbox::new_leads_appear_live_and_move_nothing", live),
        case("inbox::no_lead_is_missed_during_a_restart", restart),
        case("inbox::no_lead_is_missed_while_the_list_loads", new_lead_while_loading),
        case("inbox::a_shown_lead_is_not_announced_again", announced_once),
        case("inbox::the_count_follows_status_changes", count),
        case("inbox::a_lead_that_gained_the_status_was_missing_or_called_new", gained_status),
        case("inbox::a_lead_that_left_the_status_made_another_one_new", left_status),
        case("inbox::an_erased_lead_disappears_at_once", erased),
        case("inbox::offline_is_shown_and_recovers", offline),
        case("inbox::a_locked_database_is_reported_and_retry_works", locked_database),
        case("inbox::many_tabs_share_one_connection", tabs),
        case_with(
            "inbox::the_seventh_tab_at_a_host_name_hung",
            TestServer::start_without_https,
            tabs_without_locks,
        ),
        case("inbox::everything_works_with_the_keyboard_only", keyboard),
    ]
}

/// The search is kept wherever someone goes, and no request has it in its address.
async fn search_in_fragment(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Anaïs Lefèvre", "service": "ponts" }));
    server.post_lead(&json!({ "name": "Anaïs Petit", "service": "ponts" }));
    server.post_lead(&json!({ "name": "Anaïs Lefèvre-Besson", "service": "ponts" }));
    page.goto("/admin?status=received#q=lefev").await;
    page.wait_for_text("h1", "Connexion").await;
    page.fill("#username", "claire").await;
    page.fill("#password", crate::server::PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    assert_eq!(page.path().await, "/admin?status=received#q=lefev", "sign-in keeps it");
    page.click("li:last-child a.lead-row").await;
    page.wait_for_text(".lead h1", "Anaïs Lefèvre").await;
    let lead = page.path().await;
    assert!(lead.ends_with("?status=received#q=lefev"), "{lead}");
    page.press('k').await;
    page.wait_for_text(".lead h1", "Anaïs Lefèvre-Besson").await;
    page.press('k').await;
    page.reload().await;
    page.wait_for_text(".lead h1", "Anaïs Lefèvre-Besson").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    page.back().await;
    page.wait_for_path(&lead).await;
    page.wait_for_text(".lead h1", "Anaïs Lefèvre").await;
    page.press(ESCAPE).await;
    page.wait_until("document.querySelector('.lead') === null").await;
    assert_eq!(page.path().await, "/admin?status=received#q=lefev");
    page.press('e').await;
    page.wait_for_text("dialog", "Ce que montre le filtre (2)").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    page.download_to(folder.path()).await;
    page.click("dialog button[value=csv]").await;
    let text = read_text(&downloaded(folder.path()).await);
    assert!(text.contains("Besson") && !text.contains("Petit"), "{text}");
    let requests = "performance.getEntriesByType('resource').map((entry) => entry.name)";
    let requests = page.eval(requests).await.to_string();
    assert!(requests.contains("/admin/api/leads/search"), "{requests}");
    assert!(!requests.contains("lefev"), "{requests}");

    // A bookmark of an earlier version.
    page.goto_blank().await;
    page.goto("/admin?q=lef%C3%A8vre+bess&service=ponts").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.path().await, "/admin?service=ponts#q=lef%C3%A8vre+bess");
    let requests = "performance.getEntriesByType('resource').map((entry) => entry.name)";
    assert!(!page.eval(requests).await.to_string().contains("bess"));
}

async fn future(server: TestServer, page: Page) {
    server.add_staff("claire");
    let database = server.open_database();
    // As a clock that was ahead leaves it.
    database.execute_batch("DROP TRIGGER lead_inbox_refuses_update").expect("a trigger");
    server.post_lead(&json!({ "name": "Jean Petit" }));
    database
        .execute_batch("UPDATE lead_inbox SET created_at_utc = '2999-06-17T08:00:00.000000Z'")
        .expect("a time");
    server.post_lead(&json!({ "name": "Marc Besson" }));
    page.sign_in().await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    let list = page.eval("document.querySelector('.list-pane').innerText").await;
    let list = list.as_str().expect("text").to_lowercase();
    assert!(list.contains("datées dans le futur"), "{list}");
    assert!(list.contains("dans le futur : 17 juin 2999"), "{list}");
    assert!(list.contains("aujourd’hui"), "{list}");
}

async fn search(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Anaïs Lefèvre", "service": "compresseurs", "message": "Mon Compresseur à vis ne démarre plus." }));
    server.post_lead(&json!({ "name": "Marc Besson", "service": "compresseurs" }));
    server.post_lead(&json!({ "name": "Jean Petit" }));
    page.sign_in().await;
    page.wait_for_text(".list-summary p", "3 demandes").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Jean Petit", "Marc Besson", "Anaïs Lefèvre"]);

    page.select(".filter-selects label:nth-child(2) select", "compresseurs").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    assert_eq!(page.path().await, "/admin?service=compresseurs");
    page.fill(".search-field input", "compres lefev").await;
    page.wait_for_path("/admin?service=compresseurs#q=compres+lefev").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Anaïs Lefèvre"]);
    page.reload().await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(
        page.eval("document.querySelector('.search-field input').value").await,
        "compres lefev"
    );

    page.back().await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    page.back().await;
    page.wait_for_text(".list-summary p", "3 demandes").await;
    assert_eq!(page.path().await, "/admin");
    page.goto("/admin#q=introuvable").await;
    page.wait_for_text(".empty-state h2", "Rien ne correspond").await;
    page.click(".empty-state .button").await;
    page.wait_for_text(".list-summary p", "3 demandes").await;
}

async fn marks(server: TestServer, page: Page) {
    server.add_staff("claire");
    let message = "Bonjour, nous avons plusieurs machines dans notre atelier de Vénissieux, et le sécheur \
                   frigorifique affiche un défaut depuis lundi.";
    server.post_lead(&json!({ "name": "Anaïs Lefèvre", "service": "compresseurs", "message": message, "phone": "+33 4 72 11 22 33" }));
    server.post_lead(&json!({ "name": "Anaïs L.", "phone": "04.72.11.22.33" }));
    page.sign_in().await;
    page.goto("/admin#q=anais+secheur+0472112233+compresseurs").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.texts(".lead-row-name mark").await, ["Anaïs"]);
    assert_eq!(page.texts(".lead-row-excerpt mark").await, ["sécheur"]);
    assert_eq!(page.texts(".lead-row-contact mark").await, ["+33 4 72 11 22 33"]);
    assert_eq!(page.texts(".lead-row .lead-service mark").await, ["Compresseurs"]);
    assert_eq!(page.texts(".lead-row-requests").await, ["2 demandes"]);
    for theme in ["light", "dark"] {
        page.emulate_theme(theme).await;
        page.assert_accessible(&format!("marks in the list, {theme}")).await;
    }
    page.click("a.lead-row").await;
    page.wait_for_text(".lead h1 mark", "Anaïs").await;
    assert_eq!(page.texts(".message mark").await, ["sécheur"]);
    assert_eq!(page.texts(".contact mark").await, ["+33 4 72 11 22 33"]);
    assert_eq!(page.texts(".lead-meta mark").await, ["Compresseurs"]);
    page.wait_for_text(".other-requests h2", "Autres demandes de cette personne (1)").await;
    for theme in ["light", "dark"] {
        page.emulate_theme(theme).await;
        page.assert_accessible(&format!("marks in a lead, {theme}")).await;
    }
    page.resize(320, 640).await;
    page.assert_no_horizontal_scroll("marks in a lead").await;
    page.click(".other-requests a").await;
    page.wait_for_text(".lead h1", "Anaïs L.").await;
}

async fn nothing_found(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(
        &json!({ "name": "Jean Petit", "message": "Notre compresseur ne démarre plus." }),
    );
    page.sign_in().await;
    page.fill(".search-field input", "petit compreseur").await;
    page.wait_for_text(".empty-state .suggestion", "Vouliez-vous dire « petit compresseur » ?")
        .await;
    page.assert_accessible("a suggestion").await;
    page.click(".empty-state .suggestion").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.path().await, "/admin#q=petit+compresseur");
    let field = page.eval("document.querySelector('.search-field input').value").await;
    assert_eq!(field, "petit compresseur");
    page.fill(".search-field input", "👍").await;
    page.wait_for_text(".empty-state", "ni lettre ni chiffre").await;
    page.click(".empty-state .button").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.path().await, "/admin");
}

async fn search_beside_lead(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Anaïs Lefèvre" }));
    server.post_lead(&json!({ "name": "Jean Petit" }));
    page.sign_in().await;
    page.click("a.lead-row").await;
    page.wait_for_text(".lead h1", "Jean Petit").await;
    page.press('/').await;
    page.type_keys("lefev").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    page.type_keys("re").await;
    page.wait_until("location.hash === '#q=lefevre'").await;
    assert!(!page.exists("dialog").await, "no letter is a shortcut");
    let field = "document.activeElement === document.querySelector('.search-field input')";
    assert_eq!(page.eval(field).await, true);
    // With the same filter the row of the lead that was open has the focus.
    page.press(ESCAPE).await;
    page.click("a.lead-row").await;
    page.wait_for_text(".lead h1", "Anaïs Lefèvre").await;
    page.press(ESCAPE).await;
    page.wait_until("document.activeElement.matches('a.lead-row')").await;
}

async fn filter_beside_lead(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "service": "cabines" }));
    server.post_lead(&json!({ "name": "Jean Petit" }));
    page.sign_in().await;
    page.click("a.lead-row").await;
    page.wait_for_text(".lead h1", "Jean Petit").await;
    let field = ".filter-selects label:nth-child(2) select";
    page.eval(&format!("document.querySelector('{field}').focus() ?? null")).await;
    page.select(field, "ponts").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    page.wait_until("document.querySelector('.lead') === null").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(page.eval("document.activeElement.tagName").await, "SELECT");
    assert_eq!(page.path().await, "/admin?service=ponts");
}

async fn back_while_typing(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Anaïs Lefèvre" }));
    server.post_lead(&json!({ "name": "Jean Petit" }));
    page.sign_in().await;
    page.press('/').await;
    page.type_keys("anais").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    page.back().await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    page.wait_until("document.querySelector('.search-field input').value === ''").await;
    // The field still has the focus, and leaves it.
    page.press(TAB).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(page.path().await, "/admin");
    page.wait_for_text(".list-summary p", "2 demandes").await;
}

async fn scrolling(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(170);
    page.sign_in().await;
    page.wait_for_text(".list-summary p", "170 demandes").await;
    let end =
        "(() => { const s = document.querySelector('.list-scroller'); s.scrollTop = s.scrollHeight;
        return document.querySelector('.list-end').textContent.includes('tout') })()";
    page.wait_until(end).await;
    page.wait_until(
        "[...document.querySelectorAll('.lead-row-name')].at(-1)?.textContent === 'Personne 001'",
    )
    .await;
    // Chunks far above are not rendered; they are rendered again when scrolled to.
    page.eval("document.querySelector('.list-scroller').scrollTop = 0").await;
    page.wait_until("document.querySelector('.lead-row-name')?.textContent === 'Personne 170'")
        .await;
}

async fn live(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.post_leads(30);
    // In an empty list new leads are shown at once; later ones after a click.
    page.wait_until("document.querySelectorAll('a.lead-row').length > 0").await;
    page.wait_until("document.querySelectorAll('a.lead-row').length === 30 || (document.querySelector('.new-leads button')?.click(), false)").await;
    assert_eq!(page.title().await, "Demandes · FASTCore");

    page.eval("document.querySelector('.list-scroller').scrollTop = 300").await;
    let position = "document.querySelectorAll('a.lead-row')[6].getBoundingClientRect().top";
    let before = page.eval(position).await;
    for name in ["Une", "Deux", "Trois"] {
        server.post_lead(&json!({ "name": format!("Arrivée {name}") }));
    }
    page.wait_for_text(".new-leads", "3 nouvelles demandes").await;
    page.wait_for_text("#live-region", "nouvelles demandes").await;
    assert_eq!(page.title().await, "(3) Demandes · FASTCore");
    assert_eq!(page.eval(position).await, before, "nothing moves");
    page.click(".new-leads button").await;
    page.wait_until("document.querySelector('.lead-row-name').textContent === 'Arrivée Trois'")
        .await;
    assert_eq!(page.title().await, "Demandes · FASTCore");

    let id = page.eval("document.querySelector('a.lead-row').dataset.id").await;
    server.run_command(&["lead", "set-status", id.as_str().expect("an id"), "processing"], "");
    page.wait_until("document.querySelector('a.lead-row .lead-status').textContent === 'En cours'")
        .await;
}

async fn restart(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.restart();
    server.post_lead(&json!({ "name": "Pendant" }));
    page.wait_for_text(".new-leads", "1 nouvelle demande").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.post_lead(&json!({ "name": "Après" }));
    page.wait_for_text(".new-leads", "2 nouvelles demandes").await;
    page.click(".new-leads button").await;
    page.wait_until("document.querySelectorAll('a.lead-row').length === 3").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Après", "Pendant", "Avant"]);
}

async fn new_lead_while_loading(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    page.delay_responses(2000).await;
    page.select(".filter-selects label:nth-child(2) select", "ponts").await;
    // The server has responded; the page has not received it yet.
    page.wait_until("window.answered?.some((url) => url.includes('service=ponts'))").await;
    server.post_lead(&json!({ "name": "Pendant" }));
    page.delay_responses(0).await;
    page.wait_for_text(".new-leads", "1 nouvelle demande").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Avant"]);
}

async fn announced_once(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.post_leads(60);
    page.wait_for_text(".new-leads", "Plus de 50 nouvelles demandes").await;
    // The list restarts while an older request is still pending.
    page.delay_responses(2000).await;
    server.post_lead(&json!({ "name": "Dernière" }));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    page.click(".new-leads button").await;
    page.wait_until("document.querySelector('.lead-row-name')?.textContent === 'Dernière'").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!page.exists(".new-leads").await, "no lead is new");
    assert_eq!(page.title().await, "Demandes · FASTCore");
}

async fn count(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({ "name": "Une" }));
    server.post_lead(&json!({ "name": "Autre" }));
    page.sign_in().await;
    page.goto("/admin?status=received").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    // Wait for the poll that follows every new connection.
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.run_command(&["lead", "set-status", &id, "processing"], "");
    page.wait_for_text(".list-summary p", "1 demande").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Autre", "Une"], "nothing moves");
}

async fn gained_status(server: TestServer, page: Page) {
    server.add_staff("claire");
    let ids = ["Une", "Deux", "Trois"].map(|name| server.post_lead(&json!({ "name": name })));
    server.run_command(&["lead", "set-status", &ids[1], "processing"], "");
    page.sign_in().await;
    page.goto("/admin?status=processing").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.run_command(&["lead", "set-status", &ids[0], "processing"], "");
    page.wait_for_text(".new-leads", "1 autre demande").await;
    let badge = "document.querySelector('.main-nav .nav-badge').title";
    assert_eq!(page.eval(badge).await, "1 autre demande");
    assert_eq!(page.texts(".lead-row-name").await, ["Deux"], "nothing moves");
    page.click(".new-leads button").await;
    page.wait_until("document.querySelectorAll('a.lead-row').length === 2").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Deux", "Une"]);
    // It is not announced once it has another status.
    server.run_command(&["lead", "set-status", &ids[2], "processing"], "");
    page.wait_for_text(".new-leads", "1 autre demande").await;
    server.run_command(&["lead", "set-status", &ids[2], "resolved"], "");
    page.wait_until("document.querySelector('.new-leads') === null").await;
    // From the oldest on, it has its place among the others.
    page.goto("/admin?status=processing&order=oldest").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.run_command(&["lead", "set-status", &ids[0], "resolved"], "");
    page.reload().await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.run_command(&["lead", "set-status", &ids[0], "processing"], "");
    page.click(".new-leads button").await;
    page.wait_until("document.querySelectorAll('a.lead-row').length === 2").await;
    assert_eq!(page.texts(".lead-row-name").await, ["Une", "Deux"]);
}

/// The first page that is read again ends with one that was not loaded yet.
async fn left_status(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(61);
    page.sign_in().await;
    for (order, count) in [("", 61), ("&order=oldest", 60)] {
        page.goto(&format!("/admin?status=received{order}")).await;
        page.wait_for_text(".list-summary p", &format!("{count} demandes")).await;
        page.wait_for_text(".live-indicator.on", "En direct").await;
        // One of the page that is read again.
        let id = "document.querySelector('a.lead-row').pathname.split('/').pop()";
        let id = page.eval(id).await.as_str().expect("an id").to_owned();
        server.run_command(&["lead", "set-status", &id, "processing"], "");
        page.wait_for_text(".list-summary p", &format!("{} demandes", count - 1)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!page.exists(".new-leads").await, "no lead is new");
    }
}

async fn erased(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Reste Là" }));
    let id = server.post_lead(&json!({ "name": "Oubliez Moi", "email": "oubliez@example.com" }));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "Oubliez Moi").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    let erase = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"];
    server.run_command(&erase, "");
    page.wait_for_text(".detail-pane .empty-state h1", "Demande effacée").await;
    page.wait_for_text(".lead-row.erased", "Demande effacée").await;
    let text = page.eval("document.documentElement.outerHTML").await.to_string();
    assert!(
        !text.contains("Oubliez") && !text.contains("oubliez@"),
        "personal data is left in the page"
    );
    page.reload().await;
    page.wait_for_text(".detail-pane .empty-state h1", "Demande effacée").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    page.click(".detail-pane .empty-state .button").await;
    page.wait_for_text(".audit-log-text", "à la demande de la personne").await;
}

async fn offline(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.kill();
    page.wait_for_text(".live-indicator", "Reconnexion").await;
    page.select(".filter-selects label:nth-child(2) select", "ponts").await;
    page.wait_for_text(".list-pane .empty-state", "Le serveur ne répond pas").await;
    page.wait_for_text(".banner.neutral", "Hors connexion").await;
    page.assert_accessible("offline").await;
    server.start_again();
    page.wait_for_text(".lead-row-name", "Avant").await;
    page.wait_until("document.querySelector('.banner') === null").await;
}

/// Another program locks the database for longer than the server's busy timeout.
async fn locked_database(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.sign_in().await;
    let other = server.open_database();
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".detail-pane .empty-state", "momentanément indisponible").await;
    page.wait_for_text(".lead-row-name", "Jean Dupont").await;
    page.assert_accessible("unavailable").await;
    other.execute_batch("ROLLBACK").expect("no lock");
    // The page tries again by itself as well, and removes the button then.
    page.eval("document.querySelector('.detail-pane .empty-state .button')?.click()").await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
}

/// A browser opens at most six connections per server, so one per tab would block the page.
async fn tabs(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    page.sign_in().await;
    for _ in 0..7 {
        page.open_tab().await;
        page.goto("/admin").await;
        page.wait_for_text(".lead-row-name", "Avant").await;
        page.wait_for_text(".live-indicator.on", "En direct").await;
    }
    server.post_lead(&json!({ "name": "Après" }));
    page.wait_for_text(".new-leads", "1 nouvelle demande").await;
    page.switch_to_first_tab().await;
    page.wait_for_text(".new-leads", "1 nouvelle demande").await;
}

/// Without the locks that one of the tabs would take, they hand the connection on.
async fn tabs_without_locks(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    page.sign_in().await;
    assert_eq!(page.eval("'locks' in navigator").await, false);
    for _ in 0..9 {
        page.open_tab().await;
        page.goto("/admin").await;
        page.wait_for_text(".lead-row-name", "Avant").await;
        page.wait_for_text(".live-indicator.on", "En direct").await;
    }
    server.post_lead(&json!({ "name": "Après" }));
    page.wait_for_text(".new-leads", "1 nouvelle demande").await;
    // The tab with the connection goes.
    page.close_tab().await;
    server.post_lead(&json!({ "name": "Plus tard" }));
    page.wait_for_text(".new-leads", "2 nouvelles demandes").await;
}

async fn keyboard(server: TestServer, page: Page) {
    server.add_staff("claire");
    for name in ["Premier", "Deuxième", "Troisième"] {
        server.post_lead(&json!({ "name": name }));
    }
    page.goto("/admin").await;
    page.wait_until("document.activeElement.id === 'username'").await;
    page.type_keys("claire").await;
    page.press(TAB).await;
    page.type_keys(crate::server::PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".list-summary p", "3 demandes").await;

    // The first Tab focuses the skip link.
    page.reload().await;
    page.wait_for_text(".list-summary p", "3 demandes").await;
    page.press(TAB).await;
    page.press(ENTER).await;
    page.wait_until("document.activeElement.id === 'main'").await;
    assert_eq!(page.path().await, "/admin");

    let focused = "document.activeElement.querySelector?.('.lead-row-name')?.textContent";
    page.press('j').await;
    page.wait_until(&format!("{focused} === 'Troisième'")).await;
    page.press('j').await;
    page.wait_until(&format!("{focused} === 'Deuxième'")).await;
    page.press(ENTER).await;
    page.wait_for_text(".lead h1", "Deuxième").await;
    page.press('j').await;
    page.wait_for_text(".lead h1", "Premier").await;
    page.press('k').await;
    page.wait_for_text(".lead h1", "Deuxième").await;
    page.press(ESCAPE).await;
    page.wait_until(&format!("{focused} === 'Deuxième'")).await;
    assert_eq!(page.path().await, "/admin");

    page.press('/').await;
    page.type_keys("troisieme").await;
    page.wait_for_text(".list-summary p", "1 demande").await;
    page.press(ESCAPE).await;
    page.press('?').await;
    page.wait_for_text("dialog h2", "Aide").await;
    page.press(ESCAPE).await;
    page.wait_until("document.querySelector('dialog') === null").await;
    page.press('e').await;
    page.wait_for_text("dialog h2", "Exporter").await;
    page.press(ESCAPE).await;
    page.wait_until("document.querySelector('dialog') === null").await;
    // Shortcuts can be turned off (WCAG 2.1.4).
    page.press('?').await;
    page.click("dialog [type=checkbox]").await;
    page.press(ESCAPE).await;
    page.wait_until("document.querySelector('dialog') === null").await;
    page.press('e').await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!page.exists("dialog").await);
}
