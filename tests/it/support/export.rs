//! Leads with values that break parsers and spreadsheets, and the expected export.

use serde_json::Value;

use super::database::Database;
use super::{lead, sql};

pub(crate) const LEAD_COLUMNS: [&str; 14] = [
    "id",
    "created_at_utc",
    "name",
    "email",
    "phone",
    "company",
    "service",
    "message",
    "consent",
    "source",
    "request_id",
    "ip_hash",
    "meta_json",
    "status",
];

/// A database whose leads hold what breaks spreadsheets and parsers; ids and times are always the
/// same, so that an export is, too.
pub(crate) fn edge_case_leads() -> Database {
    let leads: Vec<Value> = (0..CELLS.len()).map(|_| lead()).collect();
    let database = Database::with(&leads);
    database.tamper(|conn| {
        let sql = "UPDATE lead_inbox SET id = printf('00000000-0000-7000-8000-%012d', audit_seq),
            request_id = printf('00000000-0000-4000-8000-%012d', audit_seq),
            created_at_utc = printf('2026-01-%02dT08:00:00.123456Z', audit_seq),
            name = ?2, email = ?3, phone = ?4, company = ?5, message = ?6 WHERE audit_seq = ?1";
        for (place, [name, email, phone, company, message]) in (1..).zip(CELLS) {
            let maybe = |text: &'static str| Some(text).filter(|t| !t.is_empty());
            let row = rusqlite::params![place, name, email, maybe(phone), maybe(company), message];
            conn.execute(sql, row).expect("a lead");
        }
    });
    database
}

/// Name, e-mail, phone, company and message.
const CELLS: [[&str; 5]; 12] = [
    [
        "Zoë à l'Œuvre",
        "zoe@exemple.fr",
        "+33612345678",
        "Crème & Fils, 10 €",
        "Voilà : ça marche 😀 👩‍🔧",
    ],
    ["=cmd|' /C calc'!A0", "=1+1@example.com", "+33 6 12 34", "@SUM(1)", "-1+1"],
    ["-1+1", "+a@example.com", "0612345678", "+33612345678", "+33 6 12 34 ou rappeler"],
    ["@SUM(1)", "-b@example.com", "06;12", "a,b;c", "il a dit \"bonjour\", puis; rien"],
    ["\"", "\"q\"@example.com", "+1+1", "\"a\",\"b\"", "\""],
    ["Jean", "j@example.com", "+", "", "\t=1+1"],
    ["Jean", "j@example.com", "", "'=1+1", "\r=1+1"],
    ["Jean", "j@example.com", "+33(0)6", "＝1+1", "\n=1+1"],
    ["Jean", "j@example.com", "+33\t6", "＋1", "une\nligne\r\nautre\rencore"],
    ["Jean", "j@example.com", "+33612345678=1", "－1", "a\tb"],
    ["NULL", "j@example.com", "%", "＠1", "\\N \\n \\\""],
    ["O'Brien", "j@example.com", " 06", " =1", "fin\u{2028}fin\u{7f}\u{1b}[0m"],
];

/// The leads as an export ought to give them: as stored, with the present status.
pub(crate) fn stored(database: &Database) -> Vec<Vec<Option<String>>> {
    let columns = LEAD_COLUMNS.map(|c| match c {
        "consent" => "iif(l.consent, 'true', 'false')".to_owned(),
        "status" => "coalesce(s.status, l.status)".to_owned(),
        column => format!("l.{column}"),
    });
    let sql = format!(
        "SELECT {} FROM lead_inbox AS l LEFT JOIN lead_status AS s USING (audit_seq) ORDER BY audit_seq",
        columns.join(", ")
    );
    sql::rows(&database.sqlite(), &sql)
}

/// Whether a spreadsheet takes a cell for something to run.
pub(crate) fn is_formula(cell: &str) -> bool {
    let phone = cell.len() > 1
        && cell.starts_with('+')
        && cell[1..].chars().all(|c| c.is_ascii_digit() || c == ' ');
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) && !phone
}

/// Thousands of leads, put in without a server: enough that an export takes its time.
pub(crate) fn many_leads(rows: u32) -> Database {
    let database = Database::sample();
    database.tamper_sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO lead_inbox SELECT printf('00000000-0000-7000-8000-%012d', i), created_at_utc, name,
         email, phone, company, service, message, consent, source,
         printf('00000000-0000-4000-8000-%012d', i), ip_hash, meta_json, status, salt, -i
         FROM n, lead_inbox WHERE audit_seq = 1"
    ));
    database
}
