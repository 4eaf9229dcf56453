//! A second implementation of the hash chain and of the lead digests, written from their
//! description in the docs. It uses none of the crate's code, so a mistake in either one shows.

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::sql::{hex, rows};

pub(crate) const CHAINED: &str =
    "seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json";
pub(crate) const DIGESTED: &str = "id, created_at_utc, name, email, phone, company, service, message, consent, source, request_id, ip_hash, meta_json";

/// SHA-256 over `before`, then each column: `00`, or `01`, its length, its text.
pub(crate) fn hash(before: &[u8], columns: &[Option<String>]) -> [u8; 32] {
    let mut bytes = before.to_vec();
    for column in columns {
        match column {
            None => bytes.push(0),
            Some(text) => {
                bytes.push(1);
                bytes.extend(u32::try_from(text.len()).expect("short").to_be_bytes());
                bytes.extend(text.as_bytes());
            }
        }
    }
    Sha256::digest(&bytes).into()
}

/// The hash that each audit row ought to have, oldest first, with its place.
pub(crate) fn chain(conn: &Connection) -> Vec<(i64, String)> {
    let mut previous = [0; 32];
    let all = rows(conn, &format!("SELECT {CHAINED} FROM audit_log ORDER BY seq"));
    let link = |columns: Vec<Option<String>>| {
        previous = hash(&previous, &columns);
        (columns[0].as_deref().expect("a place").parse().expect("a number"), hex(&previous))
    };
    all.into_iter().map(link).collect()
}

/// The digest that each lead ought to have, with its id, in the order of arrival.
pub(crate) fn digests(conn: &Connection) -> Vec<(String, String)> {
    let mut statement =
        conn.prepare("SELECT salt FROM lead_inbox ORDER BY audit_seq").expect("salts");
    let salts = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("salts");
    let leads = rows(conn, &format!("SELECT {DIGESTED} FROM lead_inbox ORDER BY audit_seq"));
    let digest = |(columns, salt): (Vec<Option<String>>, rusqlite::Result<Vec<u8>>)| {
        let digest = hash(&salt.expect("a salt"), &columns);
        (columns[0].clone().expect("an id"), hex(&digest))
    };
    leads.into_iter().zip(salts).map(digest).collect()
}
