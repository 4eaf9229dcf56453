//! XLSX exports and CSV files, read back by the libraries and programs that people open them with.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;

use calamine::{Data, Reader, Xlsx};

use super::disk_faults::Disk;
use super::support::database::Database;
use super::support::export::{LEAD_COLUMNS, edge_case_leads, is_formula, many_leads, stored};
use super::support::{binary, tools};
use super::support::{reference_hashes, sql};

type Cells = Vec<Vec<String>>;

/// A workbook with the columns of the table.
const FULL: &[&str] = &["export", "leads", "--format", "xlsx", "--columns", "full"];

/// The one sheet of a workbook: every cell is text, or nothing.
fn cells(bytes: &[u8], sheet: &str) -> Cells {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    assert_eq!(book.sheet_names(), [sheet]);
    assert!(book.worksheet_formula(sheet).expect("a sheet").is_empty(), "nothing is run");
    let text = |cell: &Data| match cell {
        Data::String(text) => text.clone(),
        Data::Empty => String::new(),
        other => panic!("{other:?} is no text"),
    };
    let range = book.worksheet_range(sheet).expect("a sheet");
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

/// The header and the leads as they are stored.
fn expected(database: &Database) -> Cells {
    let header = LEAD_COLUMNS.map(str::to_owned).to_vec();
    let row = |row: Vec<Option<String>>| row.into_iter().map(Option::unwrap_or_default).collect();
    std::iter::once(header).chain(stored(database).into_iter().map(row)).collect()
}

fn assert_same(ours: &Cells, expected: &Cells) {
    for (ours, expected) in ours.iter().zip(expected) {
        assert_eq!(ours, expected);
    }
    assert_eq!(ours.len(), expected.len());
}

/// With what looks like the escapes of workbooks among the texts.
fn with_escapes() -> Database {
    let database = edge_case_leads();
    database.tamper_sql(
        "UPDATE lead_inbox SET company = '_x0041_ _x005F_ _xD83D_ _x', message = ' <b>&amp; ]]> ' || char(0xFFFE) || '  '
         WHERE audit_seq = 11",
    );
    database
}

#[test]
fn every_workbook_cell_reads_back_as_text() {
    let database = with_escapes();
    let output = database.run(FULL);
    assert!(output.status.success(), "{output:?}");
    assert_same(&cells(&output.stdout, "leads"), &expected(&database));
    database.succeed(&[FULL, &["-o", "leads.xlsx"]].concat());
    let path = database.folder().join("leads.xlsx");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_same(&cells(&fs::read(&path).expect("a file"), "leads"), &expected(&database));
}

#[test]
fn the_audit_log_workbook_has_every_column_and_row() {
    let database = Database::sample();
    let output = database.run(&["export", "audit", "--format", "xlsx"]);
    let sql = format!("SELECT {}, hash FROM audit_log WHERE seq <= 9", reference_hashes::CHAINED);
    let rows = sql::rows(&database.sqlite(), &sql);
    let rows = rows.into_iter().map(|r| r.into_iter().map(Option::unwrap_or_default).collect());
    let header =
        format!("{}, hash", reference_hashes::CHAINED).split(", ").map(str::to_owned).collect();
    let expected: Cells = std::iter::once(header).chain(rows).collect();
    assert_same(&cells(&output.stdout, "audit"), &expected);
    let empty = Database::empty().run(FULL);
    assert_same(&cells(&empty.stdout, "leads"), &vec![LEAD_COLUMNS.map(str::to_owned).to_vec()]);
}

/// As LibreOffice keeps them: one kind of line break, and no control characters that XML lacks.
fn kept(cells: Cells) -> Cells {
    let text = |cell: String| cell.replace("\r\n", "\n").replace('\r', "\n");
    cells.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

#[test]
fn libreoffice_shows_every_cell_of_a_workbook() {
    let Some(soffice) = tools::find("soffice") else { return };
    let database = edge_case_leads();
    database.succeed(&[FULL, &["-o", "leads.xlsx"]].concat());
    let shown = tools::libreoffice(&soffice, &database.folder().join("leads.xlsx"), None);
    assert_same(&kept(shown), &kept(expected(&database)));
}

#[test]
fn libreoffice_shows_every_cell_of_a_csv_file() {
    let Some(soffice) = tools::find("soffice") else { return };
    let database = edge_case_leads();
    let text_columns: Vec<String> = (1..=LEAD_COLUMNS.len()).map(|i| format!("{i}/2")).collect();
    for (dialect, delimiter) in [("rfc4180", 44), ("excel-fr", 59)] {
        database.succeed(&["export", "leads", "--dialect", dialect, "-o", "leads.csv"]);
        let filter = format!("CSV:{delimiter},34,76,1,{}", text_columns.join("/"));
        let path = database.folder().join("leads.csv");
        let shown = tools::libreoffice(&soffice, &path, Some(&filter));
        let mut defused = expected(&database);
        for cell in defused.iter_mut().flatten().filter(|cell| is_formula(cell)) {
            cell.insert(0, '\'');
        }
        assert_same(&kept(shown), &kept(defused));
    }
}

#[test]
fn a_workbook_export_leaves_no_temporary_file() {
    let database = many_leads(3000);
    let scratch = tempfile::tempdir().expect("a folder");
    let mut command = binary::command(database.folder(), &["export", "leads", "--format", "xlsx"]);
    let output = command.env("TMPDIR", scratch.path()).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_dir(scratch.path()).expect("a folder").count(), 0);
    database.succeed(&["export", "leads", "--format", "xlsx", "-o", "leads.xlsx"]);
    let entries = fs::read_dir(database.folder()).expect("a folder");
    let names: BTreeSet<_> = entries.map(|e| e.expect("an entry").file_name()).collect();
    let ours = |name: &std::ffi::OsString| !name.to_string_lossy().starts_with("fastcore.db");
    assert_eq!(names.into_iter().filter(ours).collect::<Vec<_>>(), ["leads.xlsx"]);
}

#[test]
fn a_missing_or_full_temporary_folder_is_a_one_line_error() {
    let database = Database::sample();
    let before = database.dump();
    let mut command = binary::command(database.folder(), &["export", "leads", "--format", "xlsx"]);
    let output = command.env("TMPDIR", "/nowhere").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("/nowhere") && said.lines().count() == 1, "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(database.dump(), before, "no row records it");
}

#[test]
fn a_workbook_on_a_full_temporary_disk_logged_a_panic_and_did_not_name_the_disk() {
    let Some(disk) = Disk::mount("64k") else { return };
    let database = many_leads(3000);
    let mut command = binary::command(database.folder(), &["export", "leads", "--format", "xlsx"]);
    let output = command.env("TMPDIR", disk.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let folder = disk.path().to_str().expect("UTF-8");
    assert!(said.contains(folder) && said.contains("full"), "{said}");
    assert!(said.lines().count() == 1 && !said.contains("panic"), "{said}");
}
