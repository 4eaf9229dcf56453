//! The health probe: shows that a lead could be stored now.

use rusqlite::Connection;
use uuid::Uuid;

use crate::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use crate::domain::hash_chain::LeadDigestInput;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::tx::WriteTx;

/// Inserts a lead with its audit row and takes both back, then writes a row of its own, for the commit.
pub(crate) fn probe(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    let head = tx.head();
    tx.conn.prepare_cached("SAVEPOINT probe")?.execute([])?;
    let inserted = insert_lead(tx);
    let undone = tx.conn.execute_batch("ROLLBACK TO probe; RELEASE probe");
    tx.reset_head(head);
    inserted?;
    undone?;
    write_row(tx.conn, tx.now())
}

fn insert_lead(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    let id = tx.new_id().to_string();
    let request_id = Uuid::new_v4().to_string();
    let lead = LeadDigestInput {
        salt: &[0; 16],
        id: id.as_str(),
        created_at_utc: &tx.now().to_string(),
        name: "probe",
        email: "probe@example.com",
        phone: None,
        company: None,
        service: None,
        message: "whether a lead can be stored",
        consent: false,
        source: "probe",
        request_id: &request_id,
        ip_hash: "probe",
        meta_json: None,
    };
    rows::insert(tx.conn, tx.head().seq + 1, &lead, LeadStatus::Received)?;
    tx.check_disk_reserve()?;
    tx.append(&NewAuditRow {
        event: AuditEvent::LeadReceived,
        actor: ACTOR_SITE,
        lead_id: Some(&id),
        request_id: Some(&request_id),
        status_code: Some(201),
        details_json: None,
    })?;
    Ok(())
}

fn write_row(conn: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO write_probe (id, probed_at_utc) VALUES (1, ?1)
               ON CONFLICT (id) DO UPDATE SET probed_at_utc = excluded.probed_at_utc";
    conn.prepare_cached(sql)?.execute([now])?;
    Ok(())
}
