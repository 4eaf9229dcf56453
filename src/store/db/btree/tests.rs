//! The rows by their pages are those that SQLite gives.

use std::fs;
use std::path::Path;

use crate::store::db::btree::*;

const TABLE: Table<4> = Table { name: "t", columns: ["a", "k", "b", "c"], key: 1 };

/// A table with rows of every length around those at which a record leaves its page, numbers of
/// every width, and gaps; the last rows are in the write-ahead log alone.
fn fill(conn: &Connection, page: usize, vacuum: u8) {
    conn.execute_batch(&format!(
        "PRAGMA page_size = {page}; PRAGMA auto_vacuum = {vacuum}; PRAGMA journal_mode = WAL;
         CREATE TABLE t (a, k INTEGER PRIMARY KEY, b);"
    ))
    .expect("a table");
    let lengths = (0..40).chain(page - 60..page + 20).chain([3 * page, 4 * page + 7, 20 * page]);
    let numbers = (0..64).flat_map(|bit| {
        [1_i64 << bit, (1_i64 << bit).wrapping_neg(), (1_i64 << bit).wrapping_sub(1)]
    });
    let insert = "INSERT OR IGNORE INTO t (k, a, b) VALUES (?, ?, ?)";
    let mut insert = conn.prepare(insert).expect("a statement");
    for (n, length) in lengths.enumerate() {
        let (key, text) = (n as i64 * 3 - 100, "é".repeat(length / 2) + &"x".repeat(length % 2));
        insert.execute((key, text.as_bytes(), &text)).expect("a row");
    }
    for number in numbers {
        insert.execute((number, number, number as f64 / 3.0)).expect("a row");
    }
    conn.execute_batch("DELETE FROM t WHERE k % 7 = 3; PRAGMA wal_checkpoint;").expect("gaps");
    conn.execute_batch(
        "ALTER TABLE t ADD COLUMN c; INSERT INTO t (a, b, c) VALUES (NULL, '', 0), (1, 2, '3');",
    )
    .expect("rows");
}

fn rows(mut source: impl Source<4>) -> Result<Vec<[String; 4]>, StoreError> {
    let mut rows = Vec::new();
    while source.advance()? {
        let values = source.values()?;
        assert_eq!(values[TABLE.key].as_i64().ok(), source.key().ok());
        rows.push(values.map(|value| format!("{value:?}")));
    }
    Ok(rows)
}

fn by_pages(path: &Path) -> Result<Vec<[String; 4]>, StoreError> {
    let conn = Connection::open(path)?;
    let pages = Pages::of(&conn, &TABLE)?;
    rows(pages.ok_or_else(|| StoreError::Corrupt("no such table".to_owned()))?)
}

#[test]
fn the_pages_have_the_rows_that_sqlite_gives() {
    for (page, vacuum) in [(512, 0), (1024, 1), (4096, 2), (65_536, 0)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.db");
        let conn = Connection::open(&path).expect("a database");
        fill(&conn, page, vacuum);
        let mut select = conn.prepare(&TABLE.select()).expect("a statement");
        let expected = rows(Selected::of(&mut select, &TABLE).expect("rows")).expect("rows");
        assert!(expected.len() > 200, "{}", expected.len());
        assert!(by_pages(&path).expect("rows") == expected, "pages of {page} bytes");
    }
}

#[test]
fn a_table_of_another_form_is_not_read_by_its_pages() {
    for schema in [
        "CREATE TABLE other (a, k INTEGER PRIMARY KEY, b, c);",
        "CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c);",
        "CREATE TABLE t (a, k INTEGER PRIMARY KEY, b, c, d);",
        "CREATE TABLE t (a, k INTEGER PRIMARY KEY, b AS (a), c);",
        "CREATE TABLE t (a, k INT PRIMARY KEY, b, c);",
        "CREATE TABLE t (a, k INTEGER PRIMARY KEY, b, c) WITHOUT ROWID;",
        "CREATE VIEW t AS SELECT 1 AS a, 2 AS k, 3 AS b, 4 AS c;",
        "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (a, k INTEGER PRIMARY KEY, b, c);",
    ] {
        let conn = Connection::open_in_memory().expect("a database");
        conn.execute_batch(schema).expect(schema);
        assert!(Pages::of(&conn, &TABLE).expect(schema).is_none(), "{schema}");
    }
}

#[test]
fn altered_bytes_end_in_rows_or_in_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.db");
    let conn = Connection::open(&path).expect("a database");
    fill(&conn, 512, 0);
    conn.execute_batch("PRAGMA journal_mode = DELETE").expect("one file");
    drop(conn);
    let sound = fs::read(&path).expect("a file");
    let (mut seed, mut broken) = (1_u64, 0);
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..1000 {
        let mut bytes = sound.clone();
        // Mostly where a page tells what it is.
        for _ in 0..3 {
            let within = if random(3) == 0 { 512 } else { 24 };
            let at = random(bytes.len() / 512) * 512 + random(within);
            bytes[at.max(FILE_HEADER)] = random(256) as u8;
        }
        fs::write(&path, bytes).expect("a file");
        broken += usize::from(by_pages(&path).is_err());
    }
    assert!(broken > 100, "{broken}");
}
