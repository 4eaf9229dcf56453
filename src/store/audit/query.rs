//! Reads the audit log. Rows are appended by [`crate::store::tx::WriteTx::append`] alone.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::filter::Period;
use crate::domain::hash_chain::{ChainPosition, Sha256Hash};
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::rows::RawAuditRow;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

const SELECT: &str = "SELECT seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, \
     details_json, hash FROM audit_log";

/// Which audit rows; every condition that is set must be met.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub period: Period,
    pub event: Option<Recorded<AuditEvent>>,
    pub actor: Option<String>,
    pub lead_id: Option<String>,
}

/// The position of the last row; [`ChainPosition::START`] while the log is empty.
///
/// # Errors
/// [`StoreError::DamagedHead`] if the row's hash is not one.
pub(crate) fn head(conn: &Connection) -> Result<ChainPosition, StoreError> {
    let sql = "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1";
    let last = conn.prepare_cached(sql)?.query_row([], |row| {
        Ok((row.get::<_, i64>(0)?, Sha256Hash::parse(row.get_ref(1)?.as_bytes()?)))
    });
    match last.optional()? {
        None => Ok(ChainPosition::START),
        Some((seq, Some(hash))) => Ok(ChainPosition { seq, hash }),
        Some((seq, None)) => Err(StoreError::DamagedHead(seq)),
    }
}

/// The `seq` of the last row; 0 while the log is empty.
pub(crate) fn last_seq(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(seq), 0) FROM audit_log";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The hash of a row; `None` if there is no such row or its hash is not one.
pub(crate) fn hash_at(conn: &Connection, seq: i64) -> Result<Option<Sha256Hash>, StoreError> {
    let sql = "SELECT hash FROM audit_log WHERE seq = ?1";
    let hash = conn
        .prepare_cached(sql)?
        .query_row([seq], |row| Ok(Sha256Hash::parse(row.get_ref(0)?.as_bytes()?)));
    Ok(hash.optional()?.flatten())
}

/// Checks that the last row's hash follows from the row and the one before it. If the hash of that one
/// is not legible, nothing can be said.
///
/// # Errors
/// [`StoreError::DamagedHead`] if it does not.
pub(crate) fn check_head(conn: &Connection, head: ChainPosition) -> Result<(), StoreError> {
    let previous = match head.seq {
        ..=1 => Some(ChainPosition::START.hash),
        seq => hash_at(conn, seq - 1)?,
    };
    let sql = format!("{SELECT} WHERE seq = ?1");
    let follows = conn.prepare_cached(&sql)?.query_row([head.seq], |row| {
        Ok(RawAuditRow::from_row(row).is_ok_and(|raw| {
            previous.is_none_or(|previous| raw.entry.hash(&previous) == head.hash)
        }))
    });
    match follows.optional()? {
        Some(false) => Err(StoreError::DamagedHead(head.seq)),
        _ => Ok(()),
    }
}

fn row_to_audit(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
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
    /// The position of the last audit row; `None` while the log is empty.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn head(&self) -> Result<Option<ChainPosition>, StoreError> {
        Ok(Some(head(self.0)?).filter(|head| head.seq > 0))
    }

    /// The `seq` of the last audit row; 0 while the log is empty.
    ///
    /// # Errors
    /// The database's own.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        last_seq(self.0)
    }

    /// The audit row with this `seq`.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_row(&self, seq: i64) -> Result<Option<AuditRow>, StoreError> {
        let mut statement = self.0.prepare_cached(&format!("{SELECT} WHERE seq = ?1"))?;
        Ok(statement.query_row([seq], row_to_audit).optional()?)
    }

    /// Calls `take` with every audit row of a period, oldest first, until it breaks.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_rows(
        &self,
        period: &Period,
        take: &mut dyn FnMut(AuditRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut sql = format!("{SELECT} WHERE 1");
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
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        while let Some(row) = rows.next()? {
            if take(row_to_audit(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The newest audit rows that match the filter, newest first; before the row `before_seq`, if set.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_page(
        &self,
        filter: &AuditFilter,
        before_seq: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let AuditFilter { period: Period { since, until }, event, actor, lead_id } = filter;
        let before = before_seq.unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut sql = format!("{SELECT} WHERE seq < ?");
        let mut values: Vec<&dyn ToSql> = vec![&before];
        if let Some(event) = event {
            sql.push_str(" AND event = ?");
            values.push(event);
            if *event != Recorded::Known(AuditEvent::LeadReceived) {
                // The index on `event` is partial: without this condition, SQLite does not use it.
                sql.push_str(" AND event <> 'LEAD_RECEIVED'");
            }
        }
        if let Some(actor) = actor {
            sql.push_str(" AND actor = ?");
            values.push(actor);
        }
        if let Some(lead_id) = lead_id {
            sql.push_str(" AND lead_id = ?");
            values.push(lead_id);
        }
        if let Some(since) = since {
            sql.push_str(" AND created_at_utc >= ?");
            values.push(since);
        }
        if let Some(until) = until {
            sql.push_str(" AND created_at_utc < ?");
            values.push(until);
        }
        sql.push_str(" ORDER BY seq DESC LIMIT ?");
        values.push(&limit);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(values.as_slice(), row_to_audit)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest audit row of an event.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_of(&self, event: AuditEvent) -> Result<Option<AuditRow>, StoreError> {
        let event = Some(Recorded::Known(event));
        let filter = AuditFilter { event, ..AuditFilter::default() };
        Ok(self.audit_page(&filter, None, 1)?.pop())
    }

    /// The audit row that was stored last.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_row(&self) -> Result<Option<AuditRow>, StoreError> {
        Ok(self.audit_page(&AuditFilter::default(), None, 1)?.pop())
    }

    /// The time of the audit row that was stored last, if it is legible.
    ///
    /// # Errors
    /// The database's own.
    pub fn newest_row_at(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.newest_row()?.and_then(|row| row.created_at_utc.known()))
    }

    /// The latest time that a lead or an audit row has: not that of the last one, if the clock was ahead
    /// once. Reads the whole log.
    ///
    /// # Errors
    /// The database's own.
    pub fn latest_moment(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT max(latest) FROM (
                       SELECT max(created_at_utc) AS latest FROM audit_log
                       UNION ALL SELECT max(created_at_utc) FROM lead_inbox)";
        let latest: Option<String> = self.0.query_row(sql, [], |row| row.get(0))?;
        Ok(latest.and_then(|latest| latest.parse().ok()))
    }

    /// All audit rows of a lead up to a number, oldest first; if there are more, the newest.
    ///
    /// # Errors
    /// The database's own.
    pub fn timeline(&self, lead_id: &str, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let lead_id = Some(lead_id.to_owned());
        let filter = AuditFilter { lead_id, ..AuditFilter::default() };
        let mut rows = self.audit_page(&filter, None, limit)?;
        rows.reverse();
        Ok(rows)
    }

    /// The audit rows after a `seq`, oldest first.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_after(&self, seq: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!("{SELECT} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(params![seq, limit], row_to_audit)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
