//! The workbook for people: its language, its times, its labels, and how it opens.

use std::fs;
use std::io::Cursor;
use std::process::Command;

use calamine::{Data, Reader, Xlsx};

use super::support::database::Database;
use super::support::export::edge_case_leads;
use super::support::tools;

/// Columns of the sheet.
const RECEIVED: usize = 0;
const PHONE: usize = 3;
const SERVICE: usize = 5;
const STATUS: usize = 6;
const CONSENT: usize = 8;

fn workbook(database: &Database, arguments: &[&str]) -> Vec<u8> {
    let output = database.run(&[&["export", "leads", "--format", "xlsx"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn rows(workbook: &[u8], sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(workbook)).expect("a workbook");
    assert_eq!(book.sheet_names(), [sheet]);
    assert!(book.worksheet_formula(sheet).expect("a sheet").is_empty(), "nothing is run");
    book.worksheet_range(sheet).expect("a sheet").rows().map(<[Data]>::to_vec).collect()
}

fn text(cell: &Data) -> &str {
    match cell {
        Data::String(text) => text,
        Data::Empty => "",
        other => panic!("{other:?} is no text"),
    }
}

/// The sample leads in winter, in summer, in the hour that Paris has twice, and before Excel's dates.
fn leads_of_all_times() -> Database {
    let database = edge_case_leads();
    for (place, time) in [
        (1, "2026-01-31T23:30:59.999999Z"),
        (2, "2026-07-31T22:00:00.000000Z"),
        (3, "2026-10-25T00:30:00.000000Z"),
        (4, "2026-10-25T01:30:00.000000Z"),
        (5, "1899-12-31T12:00:00.000000Z"),
    ] {
        let sql = "UPDATE lead_inbox SET created_at_utc = ?2 WHERE audit_seq = ?1";
        database.tamper(|conn| {
            conn.execute(sql, (place, time)).expect("a lead");
        });
    }
    database
}

#[test]
fn times_in_a_workbook_were_utc_text_that_excel_cannot_sort() {
    let rows = rows(&workbook(&leads_of_all_times(), &[]), "Demandes");
    let times = rows[1..6].iter().map(|row| match &row[RECEIVED] {
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        other => text(other).to_owned(),
    });
    let expected = [
        "2026-02-01 00:30:59",
        "2026-08-01 00:00:00",
        "2026-10-25 02:30:00",
        "2026-10-25 02:30:00",
        "1899-12-31T12:00:00.000000Z",
    ];
    assert_eq!(times.collect::<Vec<_>>(), expected);
}

#[test]
fn a_workbook_has_the_titles_of_its_language_and_phones_as_text() {
    let database = edge_case_leads();
    for (arguments, sheet, titles) in [
        (
            &[][..],
            "Demandes",
            "Reçue le|Nom|E-mail|Téléphone|Société|Service|Statut|Message|Consentement|Envoyée depuis|Identifiant",
        ),
        (
            &["--language", "en", "--columns", "readable"],
            "Leads",
            "Received|Name|E-mail|Telephone|Company|Service|Status|Message|Consent|Sent from|Id",
        ),
    ] {
        let rows = rows(&workbook(&database, arguments), sheet);
        assert_eq!(rows[0].iter().map(text).collect::<Vec<_>>().join("|"), titles);
        assert_eq!(text(&rows[1][PHONE]), "+33612345678");
        assert_eq!(text(&rows[3][PHONE]), "0612345678");
        assert_eq!(text(&rows[2][1]), "=cmd|' /C calc'!A0", "a formula stays text");
        assert_eq!(rows.len(), 13);
    }
}

/// The labels are those of the admin page, whatever language it is read in.
#[test]
fn a_workbook_showed_codes_in_place_of_labels() {
    let services = ["ponts", "cabines", "compresseurs", "diagnostic", "autre"];
    let statuses = ["received", "processing", "resolved", "archived"];
    let database = edge_case_leads();
    for (place, service) in (1..).zip(services) {
        database.tamper_sql(&format!(
            "UPDATE lead_inbox SET service = '{service}' WHERE audit_seq = {place}"
        ));
    }
    for (place, status) in (1..).zip(statuses) {
        let id = format!("00000000-0000-7000-8000-{place:012}");
        if status != "received" {
            database.succeed(&["lead", "set-status", &id, status]);
        }
    }
    database.tamper_sql("UPDATE lead_inbox SET consent = 0 WHERE audit_seq = 1");
    for (language, sheet, answers) in
        [("fr", "Demandes", ["non", "oui"]), ("en", "Leads", ["no", "yes"])]
    {
        let rows = rows(&workbook(&database, &["--language", language]), sheet);
        let page = fs::read_to_string(format!("assets/admin/lang/{language}.js")).expect("texts");
        let cells = |column: usize| rows[1..].iter().map(move |row| text(&row[column]));
        let codes = services.into_iter().zip(cells(SERVICE));
        for (code, label) in codes.chain(statuses.into_iter().zip(cells(STATUS))) {
            let of_page = format!("{code}: '{label}'");
            assert!(page.contains(&of_page), "{language}: {of_page}");
        }
        assert_eq!(cells(CONSENT).take(2).collect::<Vec<_>>(), answers);
    }
}

/// The parts of a workbook that no reader of cells shows, as XML.
fn parts(workbook: &[u8], names: [&str; 2]) -> Option<[String; 2]> {
    let python = tools::find("python3")?;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("leads.xlsx");
    fs::write(&path, workbook).expect("a file");
    let script = "import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";
    Some(names.map(|name| {
        let mut python = Command::new(&python);
        let output = python.args(["-c", script]).arg(&path).arg(name).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }))
}

#[test]
fn a_workbook_had_no_filter_no_wrapped_message_and_printed_on_many_pages() {
    let names = ["xl/worksheets/sheet1.xml", "xl/workbook.xml"];
    let Some([sheet, book]) = parts(&workbook(&edge_case_leads(), &[]), names) else { return };
    for part in [
        "<autoFilter ref=\"A1:K13\"/>",
        "<pane ySplit=\"1\"",
        "orientation=\"landscape\"",
        "fitToHeight=\"0\"",
        "<col min=\"8\" max=\"8\" width=\"70.",
        // A message of three lines.
        "<row r=\"10\" ht=\"45\" customHeight=\"1\"",
    ] {
        assert!(sheet.contains(part), "{part}: {}", &sheet[..sheet.len().min(3000)]);
    }
    assert!(book.contains("_xlnm.Print_Titles"), "{book}");
    let Some([styles, _]) = parts(&workbook(&edge_case_leads(), &[]), ["xl/styles.xml", names[1]])
    else {
        return;
    };
    assert!(styles.contains("wrapText=\"1\"") && styles.contains("dd/mm/yyyy hh:mm"), "{styles}");
}

#[test]
fn libreoffice_shows_the_workbook_of_people_as_text_and_dates() {
    let Some(soffice) = tools::find("soffice") else { return };
    let database = leads_of_all_times();
    database.succeed(&["export", "leads", "--format", "xlsx", "-o", "leads.xlsx"]);
    let shown = tools::libreoffice(&soffice, &database.folder().join("leads.xlsx"), None);
    assert_eq!(shown[1][RECEIVED], "01/02/2026 00:30");
    assert_eq!(shown[1][PHONE], "+33612345678");
    assert_eq!(shown[3][PHONE], "0612345678");
    assert_eq!(shown.len(), 13);
}

#[test]
fn columns_and_language_are_accepted_for_workbooks_of_leads_only() {
    let database = Database::sample();
    let before = database.dump();
    for arguments in [
        &["export", "leads", "--columns", "full"][..],
        &["export", "leads", "--format", "jsonl", "--language", "en"],
        &["export", "leads", "--format", "xlsx", "--columns", "full", "--language", "fr"],
        &["export", "leads", "--format", "xlsx", "--language", "de"],
        &["export", "leads", "--format", "xlsx", "--dialect", "excel-fr"],
        &["export", "audit", "--format", "xlsx", "--language", "fr"],
    ] {
        let output = database.run(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
    assert_eq!(database.dump(), before, "no row records it");
}
