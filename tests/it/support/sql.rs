//! Query results as text.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The rows of a query; integers in decimal, blobs in hexadecimal, NULL as `None`.
pub(crate) fn rows(conn: &Connection, sql: &str) -> Vec<Vec<Option<String>>> {
    let mut statement = conn.prepare(sql).expect(sql);
    let columns = statement.column_count();
    let cell = |value: ValueRef<'_>| match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(hex(bytes)),
    };
    let rows =
        statement.query_map([], |row| (0..columns).map(|i| Ok(cell(row.get_ref(i)?))).collect());
    rows.expect(sql).map(|row| row.expect(sql)).collect()
}
