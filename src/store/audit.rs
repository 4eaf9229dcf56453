//! The audit log read back. Rows are written by [`super::tx::WriteTx::append`] alone.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::error::StoreError;
use crate::domain::audit::AuditRow;
use crate::domain::chain::{Hash, Receipt};
use crate::domain::filter::Period;

pub(super) const COLUMNS: &str = "SELECT seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash FROM audit_log";

/// The last row's place and hash; [`Receipt::START`] while there is none.
pub(super) fn head(conn: &Connection) -> Result<Receipt, StoreError> {
    let sql = "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1";
    let last = conn.query_row(sql, [], |row| {
        let hash = Hash::parse(row.get_ref(1)?.as_str()?).unwrap_or_default();
        Ok(Receipt { seq: row.get(0)?, hash })
    });
    Ok(last.optional()?.unwrap_or(Receipt::START))
}

/// Gives every row of a period, oldest first, until `take` breaks off.
pub(super) fn for_each(
    conn: &Connection,
    period: &Period,
    take: &mut dyn FnMut(AuditRow) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut sql = format!("{COLUMNS} WHERE 1");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    if let Some(since) = &period.since {
        sql.push_str(" AND created_at_utc >= ?");
        values.push(since);
    }
    if let Some(until) = &period.until {
        sql.push_str(" AND created_at_utc < ?");
        values.push(until);
    }
    sql.push_str(" ORDER BY seq");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    while let Some(row) = rows.next()? {
        if take(row_to_audit(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

/// The newest rows, newest first; of one event or one lead where asked for.
pub(super) fn newest(
    conn: &Connection,
    event: Option<&str>,
    lead_id: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut sql = format!("{COLUMNS} WHERE (?1 IS NULL OR event = ?1)");
    // Apart, so that the index on lead_id is used.
    sql.push_str(if lead_id.is_some() { " AND lead_id = ?2" } else { " AND ?2 IS NULL" });
    sql.push_str(" ORDER BY seq DESC LIMIT ?3");
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![event, lead_id, limit], row_to_audit)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The row at a place.
pub(super) fn at(conn: &Connection, seq: i64) -> Result<Option<AuditRow>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE seq = ?1"))?;
    Ok(statement.query_row([seq], row_to_audit).optional()?)
}

pub(super) fn row_to_audit(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        created_at_utc: row.get(2)?,
        event: row.get(3)?,
        actor: row.get(4)?,
        lead_id: row.get(5)?,
        request_id: row.get(6)?,
        status_code: row.get(7)?,
        details_json: row.get(8)?,
        hash: row.get(9)?,
    })
}
