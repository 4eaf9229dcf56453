//! Exports from the inbox: their files, and their refusals.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

/// Extracts the text of an exported file.
type Reader = fn(&Path) -> String;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("exports::text_exports_contain_the_filtered_leads", |server, page| {
            exports(
                server,
                page,
                &[("csv-excel-fr", read_text), ("csv", read_text), ("jsonl", read_text)],
            )
        }),
        case("exports::excel_export_contains_the_filtered_leads", |server, page| {
            exports(server, page, &[("xlsx", read_xlsx)])
        }),
        case("exports::a_refused_export_is_shown_in_the_page", refused_export),
        case("exports::a_refusal_after_the_session_was_saved_as_a_file", export_without_session),
    ]
}

async fn export_without_session(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({}));
    page.sign_in().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    page.download_to(folder.path()).await;
    page.press('e').await;
    page.wait_until("document.querySelector('dialog button[value=csv]') !== null").await;
    let end_session = "(fetch('/admin/api/session', { method: 'DELETE' })
        .then(() => document.querySelector('dialog button[value=csv]').click()), true)";
    page.eval(end_session).await;
    page.wait_for_text("main", "Votre session est terminée").await;
    let files = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, 0, "nothing is saved");
}

async fn refused_export(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_lead(&json!({ "name": "Avant" }));
    let many = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         INSERT INTO lead_inbox (audit_seq, salt, id, created_at_utc, name, email, message, consent, source, request_id, ip_hash)
         SELECT 1000 + i, zeroblob(16), printf('00000000-0000-7000-8000-%012d', i), '2026-01-01T00:00:00.000000Z', 'n', 'e',
                printf('%.900c', 'm'), 1, 's', printf('00000000-0000-4000-8000-%012d', i), 'h' FROM n";
    server.open_database().execute_batch(many).expect("rows");
    page.sign_in().await;
    // Another export, of which nothing is read.
    let other = "(fetch('/admin/api/export', { method: 'POST', body: new URLSearchParams({ format: 'jsonl' }) })
        .then((response) => { window.other = response; }), true)";
    page.eval(other).await;
    let history = page.eval("history.length").await;
    page.wait_until("window.other?.status === 200").await;
    page.press('e').await;
    page.click("dialog button[value=xlsx]").await;
    page.wait_for_text("dialog [role=alert]", "Un autre export n’est pas encore terminé").await;
    assert_eq!(page.path().await, "/admin", "the page stays");
    assert!(!page.exists("iframe").await, "nothing is left in the page");
    assert_eq!(page.eval("history.length").await, history, "Back does what it did before");
    page.assert_accessible("a refused export").await;
    // It works again, in the same dialog.
    page.eval("(window.other.body.cancel(), true)").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    page.download_to(folder.path()).await;
    page.click("dialog button[value=csv]").await;
    downloaded(folder.path()).await;

    page.press('e').await;
    page.wait_until("document.querySelector('dialog') !== null").await;
    assert!(!page.exists("dialog [role=alert]").await, "it is not shown again");
    server.open_database().execute("DELETE FROM staff_session", []).expect("no session");
    page.click("dialog button[value=csv]").await;
    page.wait_for_text(".form-notice", "Votre session est terminée").await;
    assert_eq!(page.path().await, "/admin");
}

async fn exports(server: TestServer, page: Page, formats: &[(&str, Reader)]) {
    server.add_staff("claire");
    server
        .post_lead(&json!({ "name": "Élodie Ça", "phone": "+33612345678", "service": "cabines" }));
    server.post_lead(&json!({ "name": "Zoé Fin", "phone": "0612345678", "service": "cabines" }));
    server.post_lead(&json!({ "name": "Pas Celui-ci" }));
    let folder = tempfile::tempdir().expect("a temporary folder");
    page.sign_in().await;
    page.download_to(folder.path()).await;
    page.select(".filter-selects label:nth-child(2) select", "cabines").await;
    page.wait_for_text(".list-summary p", "2 demandes").await;
    for (format, read) in formats {
        page.click(".export-button").await;
        page.wait_for_text("dialog", "Ce que montre le filtre (2)").await;
        page.wait_for_text("dialog [value=xlsx]", "numéros en « 06… » et « +33… » conservés").await;
        page.wait_for_text("dialog [value=csv-excel-fr]", "supprime le zéro des numéros").await;
        page.click(&format!("dialog button[value='{format}']")).await;
        let file = downloaded(folder.path()).await;
        let text = read(&file);
        assert!(text.contains("Élodie Ça") && text.contains("Zoé Fin"), "{format}: {text}");
        assert!(text.contains("+33612345678") && text.contains("0612345678"), "{format}: {text}");
        assert!(!text.contains("Pas Celui-ci"), "{format}: {text}");
        std::fs::remove_file(file).expect("the file is removed");
        page.wait_until("document.querySelector('dialog') === null").await;
    }
    page.goto("/admin/audit?event=LEADS_EXPORTED").await;
    page.wait_for_text(".audit-log-text", "2 lignes").await;
    let names = formats.iter().rev().map(|(format, _)| match *format {
        "csv-excel-fr" => "CSV pour Excel",
        "csv" => "CSV",
        "jsonl" => "JSON Lines",
        _ => "Excel",
    });
    let rows = page.texts(".audit-log-text").await;
    assert_eq!(rows.len(), formats.len());
    for (row, name) in rows.iter().zip(names) {
        assert!(row.contains(&format!(", format {name}, ")), "{row}");
    }
}

/// Waits for the one finished download in a folder.
pub(crate) async fn downloaded(folder: &Path) -> PathBuf {
    for _ in 0..3000 {
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
    panic!("no file was downloaded")
}

pub(crate) fn read_text(file: &Path) -> String {
    String::from_utf8(std::fs::read(file).expect("a file")).expect("UTF-8")
}

/// Reads the text of a workbook with another program than the one that wrote it.
fn read_xlsx(file: &Path) -> String {
    let script = "import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
sys.stdout.buffer.write(b''.join(z.read(n) for n in z.namelist() if n.endswith('.xml')))";
    let output = Command::new("python3").args(["-c", script]).arg(file).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
