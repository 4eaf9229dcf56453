//! The audit log read back. Rows are written by [`crate::store::tx::WriteTx::append`] alone.

use crate::store::read::ReadTx;
use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::filter::Period;
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::recorded::Recorded;
use crate::store::error::StoreError;

pub(crate) const COLUMNS: &str = "SELECT seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash FROM audit_log";

/// The last row's place and hash; [`ChainPosition::START`] while there is none.
pub(crate) fn head(conn: &Connection) -> Result<ChainPosition, StoreError> {
    let sql = "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1";
    let last = conn.query_row(sql, [], |row| {
        let hash = Sha256Hash::parse(row.get_ref(1)?.as_str()?).unwrap_or_default();
        Ok(ChainPosition { seq: row.get(0)?, hash })
    });
    Ok(last.optional()?.unwrap_or(ChainPosition::START))
}

/// Gives every row of a period, oldest first, until `take` breaks off.
pub(crate) fn for_each(
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
pub(crate) fn newest(
    conn: &Connection,
    event: Option<&Recorded<AuditEvent>>,
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
pub(crate) fn at(conn: &Connection, seq: i64) -> Result<Option<AuditRow>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE seq = ?1"))?;
    Ok(statement.query_row([seq], row_to_audit).optional()?)
}

pub(crate) fn row_to_audit(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
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

impl ReadTx<'_> {
    /// Calls `take` with every audit row of a period, oldest first, until it breaks.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit(
        &self,
        period: &Period,
        take: &mut dyn FnMut(AuditRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for_each(self.0, period, take)
    }

    /// The newest audit rows, newest first, optionally of one event or one lead.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_audit(
        &self,
        event: Option<&Recorded<AuditEvent>>,
        lead_id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        newest(self.0, event, lead_id, limit)
    }

    /// The audit row with this `seq`.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_at(&self, seq: i64) -> Result<Option<AuditRow>, StoreError> {
        at(self.0, seq)
    }

    /// The position of the last audit row; `None` while the log is empty.
    ///
    /// # Errors
    /// The database's own.
    pub fn head(&self) -> Result<Option<ChainPosition>, StoreError> {
        Ok(Some(head(self.0)?).filter(|head| head.seq > 0))
    }
}

impl ReadTx<'_> {
    /// The newest row of an event other than `LEAD_RECEIVED`.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_of(&self, event: AuditEvent) -> Result<Option<AuditRow>, StoreError> {
        let sql = format!(
            "{} WHERE event = ?1 AND event <> 'LEAD_RECEIVED' ORDER BY seq DESC LIMIT 1",
            COLUMNS
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        Ok(statement.query_row([event], row_to_audit).optional()?)
    }
}
