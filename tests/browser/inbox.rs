//! The inbox: search, filters, Back, pages, live arrivals, keys, exports.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::{ENTER, ESCAPE, Page, TAB};
use crate::site::Site;

/// How to get the text out of an exported file.
type Reader = fn(&Path) -> String;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("inbox::search_and_filters_are_in_the_address_and_back_undoes_them", search),
        case("inbox::pages_load_as_one_scrolls", pages),
        case("inbox::a_lead_of_the_site_appears_live_and_moves_nothing", live),
        case("inbox::nothing_is_missed_while_the_server_restarts", restart),
        case("inbox::what_arrives_while_the_list_loads_is_not_missed", arrives_while_loading),
        case("inbox::what_is_shown_is_not_announced_again", shown_once),
        case("inbox::the_count_follows_the_statuses", count_follows),
        case("inbox::an_erased_person_leaves_the_page_at_once", erased),
        case("inbox::without_the_server_it_says_so_and_recovers", offline),
        case("inbox::a_busy_database_is_told_and_the_lead_opens_later", busy),
        case("inbox::many_tabs_share_one_connection", tabs),
        case("inbox::everything_can_be_done_with_the_keyboard_alone", keyboard),
        case("inbox::an_export_holds_what_the_filter_shows", |site, page| {
            exports(
                site,
                page,
                &[("csv-excel-fr", read_text), ("csv", read_text), ("jsonl", read_text)],
            )
        }),
        case("inbox::a_workbook_holds_what_the_filter_shows", |site, page| {
            exports(site, page, &[("xlsx", read_xlsx)])
        }),
    ]
}

async fn search(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Anaïs Lefèvre", "service": "compresseurs", "message": "Mon Compresseur à vis ne démarre plus." }));
    site.post(&json!({ "name": "Marc Besson", "service": "compresseurs" }));
    site.post(&json!({ "name": "Jean Petit" }));
    page.sign_in().await;
    page.says(".summary p", "3 demandes").await;
    assert_eq!(page.texts(".row-name").await, ["Jean Petit", "Marc Besson", "Anaïs Lefèvre"]);

    page.choose(".choices label:nth-child(2) select", "compresseurs").await;
    page.says(".summary p", "2 demandes").await;
    assert_eq!(page.address().await, "/admin?service=compresseurs");
    page.fill(".search input", "compres lefev").await;
    page.says(".summary p", "1 demande").await;
    assert_eq!(page.texts(".row-name").await, ["Anaïs Lefèvre"]);
    assert_eq!(page.address().await, "/admin?service=compresseurs&q=compres+lefev");
    page.reload().await;
    page.says(".summary p", "1 demande").await;
    assert_eq!(page.eval("document.querySelector('.search input').value").await, "compres lefev");

    page.back().await;
    page.says(".summary p", "2 demandes").await;
    page.back().await;
    page.says(".summary p", "3 demandes").await;
    assert_eq!(page.address().await, "/admin");
    page.go("/admin?q=introuvable").await;
    page.says(".empty h2", "Rien ne correspond").await;
    page.click(".empty .button").await;
    page.says(".summary p", "3 demandes").await;
}

async fn pages(site: Site, page: Page) {
    site.add_staff("claire");
    site.post_many(170);
    page.sign_in().await;
    page.says(".summary p", "170 demandes").await;
    let end =
        "(() => { const s = document.querySelector('.scroller'); s.scrollTop = s.scrollHeight;
        return document.querySelector('.list-end').textContent.includes('tout') })()";
    page.until(end).await;
    page.until(
        "[...document.querySelectorAll('.row-name')].at(-1)?.textContent === 'Personne 001'",
    )
    .await;
    // What is far above is not drawn any more, and comes back.
    page.eval("document.querySelector('.scroller').scrollTop = 0").await;
    page.until("document.querySelector('.row-name')?.textContent === 'Personne 170'").await;
}

async fn live(site: Site, page: Page) {
    site.add_staff("claire");
    page.sign_in().await;
    page.says(".empty h2", "Pas encore de demande").await;
    page.says(".live.on", "En direct").await;
    site.post_many(30);
    // Into an empty list the first come by themselves; the others wait for someone to ask.
    page.until("document.querySelectorAll('a.row').length > 0").await;
    page.until("document.querySelectorAll('a.row').length === 30 || (document.querySelector('.arrived button')?.click(), false)").await;
    assert_eq!(page.title().await, "Demandes · FASTCore");

    page.eval("document.querySelector('.scroller').scrollTop = 300").await;
    let place = "document.querySelectorAll('a.row')[6].getBoundingClientRect().top";
    let before = page.eval(place).await;
    for name in ["Une", "Deux", "Trois"] {
        site.post(&json!({ "name": format!("Arrivée {name}") }));
    }
    page.says(".arrived", "3 nouvelles demandes").await;
    page.says("#announcements", "nouvelles demandes").await;
    assert_eq!(page.title().await, "(3) Demandes · FASTCore");
    assert_eq!(page.eval(place).await, before, "nothing moves");
    page.click(".arrived button").await;
    page.until("document.querySelector('.row-name').textContent === 'Arrivée Trois'").await;
    assert_eq!(page.title().await, "Demandes · FASTCore");

    let id = page.eval("document.querySelector('a.row').dataset.id").await;
    site.run(&["lead", "set-status", id.as_str().expect("an id"), "processing"], "");
    page.until("document.querySelector('a.row .status').textContent === 'En cours'").await;
}

async fn restart(mut site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.says(".live.on", "En direct").await;
    site.restart();
    site.post(&json!({ "name": "Pendant" }));
    page.says(".arrived", "1 nouvelle demande").await;
    page.says(".live.on", "En direct").await;
    site.post(&json!({ "name": "Après" }));
    page.says(".arrived", "2 nouvelles demandes").await;
    page.click(".arrived button").await;
    page.until("document.querySelectorAll('a.row').length === 3").await;
    assert_eq!(page.texts(".row-name").await, ["Après", "Pendant", "Avant"]);
}

async fn arrives_while_loading(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.says(".live.on", "En direct").await;
    page.hears_late(2000).await;
    page.choose(".choices label:nth-child(2) select", "ponts").await;
    // The server has answered, the page has not heard it yet.
    tokio::time::sleep(Duration::from_millis(300)).await;
    site.post(&json!({ "name": "Pendant" }));
    page.hears_late(0).await;
    page.says(".arrived", "1 nouvelle demande").await;
    assert_eq!(page.texts(".row-name").await, ["Avant"]);
}

async fn shown_once(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.says(".live.on", "En direct").await;
    site.post_many(60);
    page.says(".arrived", "Plus de 50 nouvelles demandes").await;
    // The list begins anew while the page still waits for what it asked before.
    page.hears_late(2000).await;
    site.post(&json!({ "name": "Dernière" }));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    page.click(".arrived button").await;
    page.until("document.querySelector('.row-name')?.textContent === 'Dernière'").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!page.has(".arrived").await, "nothing of it is new");
    assert_eq!(page.title().await, "Demandes · FASTCore");
}

async fn count_follows(site: Site, page: Page) {
    site.add_staff("claire");
    let id = site.post(&json!({ "name": "Une" }));
    site.post(&json!({ "name": "Autre" }));
    page.sign_in().await;
    page.go("/admin?status=received").await;
    page.says(".summary p", "2 demandes").await;
    page.says(".live.on", "En direct").await;
    // What a new connection asks for anyway has been answered by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    site.run(&["lead", "set-status", &id, "processing"], "");
    page.says(".summary p", "1 demande").await;
    assert_eq!(page.texts(".row-name").await, ["Autre", "Une"], "nothing moves");
}

async fn erased(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Reste Là" }));
    let id = site.post(&json!({ "name": "Oubliez Moi", "email": "oubliez@example.com" }));
    page.sign_in().await;
    page.says(".live.on", "En direct").await;
    page.go(&format!("/admin/leads/{id}")).await;
    page.says(".lead h1", "Oubliez Moi").await;
    let erase = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"];
    site.run(&erase, "");
    page.says(".pane .empty h1", "Demande effacée").await;
    page.says(".row.erased", "Demande effacée").await;
    let text = page.eval("document.documentElement.outerHTML").await.to_string();
    assert!(!text.contains("Oubliez") && !text.contains("oubliez@"), "nothing of them is left");
    page.reload().await;
    page.says(".pane .empty h1", "Demande effacée").await;
    page.says(".summary p", "1 demande").await;
    page.click(".pane .empty .button").await;
    page.says(".log-text", "à la demande de la personne").await;
}

async fn offline(mut site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Avant" }));
    page.sign_in().await;
    page.says(".live.on", "En direct").await;
    site.stop();
    page.says(".live", "Reconnexion").await;
    page.choose(".choices label:nth-child(2) select", "ponts").await;
    page.says(".list .empty", "Le serveur ne répond pas").await;
    page.says(".banner.calm", "Hors connexion").await;
    page.assert_accessible("offline").await;
    site.start_again();
    page.until("document.querySelector('.banner') === null").await;
    page.click(".list .empty .button").await;
    page.says(".row-name", "Avant").await;
}

/// Another program has the database for itself, longer than the server waits for it.
async fn busy(site: Site, page: Page) {
    site.add_staff("claire");
    let id = site.post(&json!({}));
    page.sign_in().await;
    let other = site.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    page.go(&format!("/admin/leads/{id}")).await;
    page.says(".pane .empty", "momentanément indisponible").await;
    page.says(".row-name", "Jean Dupont").await;
    page.assert_accessible("unavailable").await;
    other.execute_batch("ROLLBACK").expect("no lock");
    page.click(".pane .empty .button").await;
    page.says(".lead h1", "Jean Dupont").await;
}

/// A browser allows a server six connections: a tab each would use them up.
async fn tabs(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Avant" }));
    page.sign_in().await;
    for _ in 0..7 {
        page.another_tab().await;
        page.go("/admin").await;
        page.says(".row-name", "Avant").await;
        page.says(".live.on", "En direct").await;
    }
    site.post(&json!({ "name": "Après" }));
    page.says(".arrived", "1 nouvelle demande").await;
    page.first_tab().await;
    page.says(".arrived", "1 nouvelle demande").await;
}

async fn keyboard(site: Site, page: Page) {
    site.add_staff("claire");
    for name in ["Premier", "Deuxième", "Troisième"] {
        site.post(&json!({ "name": name }));
    }
    page.go("/admin").await;
    page.until("document.activeElement.id === 'username'").await;
    page.type_keys("claire").await;
    page.press(TAB).await;
    page.type_keys(crate::site::PASSWORD).await;
    page.press(ENTER).await;
    page.says(".summary p", "3 demandes").await;

    // The first thing that Tab comes to leads past the navigation.
    page.reload().await;
    page.says(".summary p", "3 demandes").await;
    page.press(TAB).await;
    page.press(ENTER).await;
    page.until("document.activeElement.id === 'main'").await;
    assert_eq!(page.address().await, "/admin");

    let focused = "document.activeElement.querySelector?.('.row-name')?.textContent";
    page.press('j').await;
    page.until(&format!("{focused} === 'Troisième'")).await;
    page.press('j').await;
    page.until(&format!("{focused} === 'Deuxième'")).await;
    page.press(ENTER).await;
    page.says(".lead h1", "Deuxième").await;
    page.press('j').await;
    page.says(".lead h1", "Premier").await;
    page.press('k').await;
    page.says(".lead h1", "Deuxième").await;
    page.press(ESCAPE).await;
    page.until(&format!("{focused} === 'Deuxième'")).await;
    assert_eq!(page.address().await, "/admin");

    page.press('/').await;
    page.type_keys("troisieme").await;
    page.says(".summary p", "1 demande").await;
    page.press(ESCAPE).await;
    page.press('?').await;
    page.says("dialog h2", "Aide").await;
    page.press(ESCAPE).await;
    page.until("document.querySelector('dialog') === null").await;
    page.press('e').await;
    page.says("dialog h2", "Exporter").await;
    page.press(ESCAPE).await;
    page.until("document.querySelector('dialog') === null").await;
    // Shortcuts can be turned off (WCAG 2.1.4).
    page.press('?').await;
    page.click("dialog [type=checkbox]").await;
    page.press(ESCAPE).await;
    page.until("document.querySelector('dialog') === null").await;
    page.press('e').await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!page.has("dialog").await);
}

async fn exports(site: Site, page: Page, formats: &[(&str, Reader)]) {
    site.add_staff("claire");
    site.post(&json!({ "name": "Élodie Ça", "phone": "+33612345678", "service": "cabines" }));
    site.post(&json!({ "name": "Zoé Fin", "phone": "0612345678", "service": "cabines" }));
    site.post(&json!({ "name": "Pas Celui-ci" }));
    let folder = tempfile::tempdir().expect("a folder");
    page.sign_in().await;
    page.download_into(folder.path()).await;
    page.choose(".choices label:nth-child(2) select", "cabines").await;
    page.says(".summary p", "2 demandes").await;
    for (format, read) in formats {
        page.click(".summary .small-button").await;
        page.says("dialog", "Ce que montre le filtre (2)").await;
        page.click(&format!("dialog a[href*='format={format}']")).await;
        let file = downloaded(folder.path()).await;
        let text = read(&file);
        assert!(text.contains("Élodie Ça") && text.contains("Zoé Fin"), "{format}: {text}");
        assert!(text.contains("+33612345678") && text.contains("0612345678"), "{format}: {text}");
        assert!(!text.contains("Pas Celui-ci"), "{format}: {text}");
        std::fs::remove_file(file).expect("ours");
        page.until("document.querySelector('dialog') === null").await;
    }
    page.go("/admin/audit?event=LEADS_EXPORTED").await;
    page.says(".log-text", "2 lignes").await;
    assert_eq!(page.texts(".log-text").await.len(), formats.len());
}

/// The one finished file of a folder of downloads.
async fn downloaded(folder: &Path) -> PathBuf {
    for _ in 0..500 {
        let files =
            std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let done = |path: &PathBuf| {
            name(path).starts_with("fastcore-leads-") && !name(path).ends_with(".crdownload")
        };
        if let Some(file) = files.into_iter().find(done) {
            return file;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing was downloaded")
}

fn read_text(file: &Path) -> String {
    String::from_utf8(std::fs::read(file).expect("a file")).expect("UTF-8")
}

/// All text of a workbook, read by another program than the one that wrote it.
fn read_xlsx(file: &Path) -> String {
    let script = "import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
sys.stdout.buffer.write(b''.join(z.read(n) for n in z.namelist() if n.endswith('.xml')))";
    let output = Command::new("python3").args(["-c", script]).arg(file).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
