//! The sessions of accounts.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::audit::{AuditEvent, staff_actor};
use crate::domain::staff::{SessionCutoffs, is_step_used};
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::staff::recovery_codes;
use crate::store::staff::rows::{Account, account, close_sessions};
use crate::store::tx::WriteTx;

/// When an account has more sessions than this, those used longest ago are closed.
const MAX_SESSIONS: u32 = 16;

/// A session that has not expired.
#[derive(Debug, Clone)]
pub struct Session {
    pub token_hash: [u8; 32],
    pub name: String,
    /// The `User-Agent` of the browser that signed in.
    pub browser: Option<String>,
    pub created_at_utc: Timestamp,
    pub seen_at_utc: Timestamp,
}

/// What a person proved besides the password.
#[derive(Clone)]
pub enum SecondProof {
    /// The account has no second factor.
    None,
    /// A code of this time step.
    Code(i64),
    /// The recovery code of this hash.
    RecoveryCode(String),
}

impl std::fmt::Debug for SecondProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SecondProof {
    /// How the account was signed in to, in the audit log.
    fn as_str(&self) -> &'static str {
        match self {
            Self::None => "password",
            Self::Code(_) => "code",
            Self::RecoveryCode(_) => "recovery_code",
        }
    }
}

/// A session that is about to be opened.
#[derive(Debug, Clone)]
pub struct NewSessionRow {
    pub token_hash: [u8; 32],
    pub browser: Option<String>,
    /// The keyed hash of the client's address, for the audit row.
    pub client: Option<String>,
    /// The session that the browser had: it ends.
    pub replaced: Option<[u8; 32]>,
}

impl ReadTx<'_> {
    /// The session of a token, unless it has expired.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn session(
        &self,
        token_hash: &[u8; 32],
        cutoffs: &SessionCutoffs,
    ) -> Result<Option<Session>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT token_hash, name, browser, created_at_utc, seen_at_utc FROM staff_session
             WHERE token_hash = ?1 AND seen_at_utc > ?2
               AND created_at_utc > ?3 AND created_at_utc <= ?4",
        )?;
        let SessionCutoffs { seen_after, created_after, created_until } = cutoffs;
        let values = params![token_hash, seen_after, created_after, created_until];
        Ok(statement.query_row(values, row_to_session).optional()?)
    }

    /// The sessions of an account that have not expired, the one used last first.
    ///
    /// # Errors
    /// The database's own.
    pub fn sessions_of(
        &self,
        name: &str,
        cutoffs: &SessionCutoffs,
    ) -> Result<Vec<Session>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT token_hash, name, browser, created_at_utc, seen_at_utc FROM staff_session
             WHERE name = ?1 AND seen_at_utc > ?2
               AND created_at_utc > ?3 AND created_at_utc <= ?4
             ORDER BY seen_at_utc DESC, rowid DESC",
        )?;
        let SessionCutoffs { seen_after, created_after, created_until } = cutoffs;
        let values = params![name, seen_after, created_after, created_until];
        let rows = statement.query_map(values, row_to_session)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn row_to_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        token_hash: row.get(0)?,
        name: row.get(1)?,
        browser: row.get(2)?,
        created_at_utc: row.get(3)?,
        seen_at_utc: row.get(4)?,
    })
}

/// Opens a session for an account whose password and second factor were verified, and uses the code up.
/// Returns `false` if the account has changed since, or the code was used meanwhile.
///
/// # Errors
/// The database's own, as for all writes here.
pub fn open_session(
    tx: &mut WriteTx<'_>,
    seen: &Account,
    proof: &SecondProof,
    session: &NewSessionRow,
    cutoffs: &SessionCutoffs,
) -> Result<bool, StoreError> {
    let Some(account) = account(tx.conn, &seen.name)? else { return Ok(false) };
    let same = account.password_hash == seen.password_hash
        && account.totp_secret == seen.totp_secret
        && account.totp_secret.is_some() != matches!(proof, SecondProof::None);
    if !same || !use_up(tx, &account, proof)? {
        return Ok(false);
    }
    insert_session(tx, &seen.name, session, cutoffs)?;
    let mut details = serde_json::json!({ "account": seen.name, "how": proof.as_str() });
    if let Some(client) = &session.client {
        details["client"] = client.as_str().into();
    }
    tx.append_event(AuditEvent::StaffSignedIn, &staff_actor(&seen.name), &details)?;
    Ok(true)
}

/// Uses the code of a second factor up. Returns whether it could be used.
fn use_up(tx: &WriteTx<'_>, account: &Account, proof: &SecondProof) -> Result<bool, StoreError> {
    match proof {
        SecondProof::None => Ok(true),
        SecondProof::RecoveryCode(hash) => recovery_codes::use_up(tx, &account.name, hash),
        SecondProof::Code(step) => {
            let now = tx.now().to_datetime().timestamp();
            if is_step_used(*step, account.totp_last_step, now) {
                return Ok(false);
            }
            let sql = "UPDATE staff_account SET totp_last_step = ?2 WHERE name = ?1";
            tx.conn.prepare_cached(sql)?.execute(params![account.name, step])?;
            Ok(true)
        }
    }
}

/// Opens a session for an account that was just added or reset by its owner.
///
/// # Errors
/// The database's own.
pub fn open_first_session(
    tx: &mut WriteTx<'_>,
    name: &str,
    session: &NewSessionRow,
    cutoffs: &SessionCutoffs,
) -> Result<(), StoreError> {
    insert_session(tx, name, session, cutoffs)?;
    let details = serde_json::json!({ "account": name, "how": "link" });
    tx.append_event(AuditEvent::StaffSignedIn, &staff_actor(name), &details).map(drop)
}

fn insert_session(
    tx: &WriteTx<'_>,
    name: &str,
    session: &NewSessionRow,
    cutoffs: &SessionCutoffs,
) -> Result<(), StoreError> {
    let NewSessionRow { token_hash, browser, replaced, .. } = session;
    let sql = "DELETE FROM staff_session WHERE token_hash = ?1";
    tx.conn.prepare_cached(sql)?.execute([replaced])?;
    let sql = "INSERT INTO staff_session (token_hash, name, browser, created_at_utc, seen_at_utc)
               VALUES (?1, ?2, ?3, ?4, ?4)";
    tx.conn.prepare_cached(sql)?.execute(params![token_hash, name, browser, tx.now()])?;
    close_old_sessions(tx, name, cutoffs)
}

/// Removes what is left of sessions that have ended.
///
/// # Errors
/// The database's own.
pub fn close_ended_sessions(tx: &WriteTx<'_>, cutoffs: &SessionCutoffs) -> Result<(), StoreError> {
    let sql = "DELETE FROM staff_session
               WHERE seen_at_utc <= ?1 OR created_at_utc <= ?2 OR created_at_utc > ?3";
    let SessionCutoffs { seen_after, created_after, created_until } = cutoffs;
    tx.conn.prepare_cached(sql)?.execute([seen_after, created_after, created_until])?;
    Ok(())
}

fn close_old_sessions(
    tx: &WriteTx<'_>,
    name: &str,
    cutoffs: &SessionCutoffs,
) -> Result<(), StoreError> {
    close_ended_sessions(tx, cutoffs)?;
    let sql = "DELETE FROM staff_session WHERE token_hash IN (
                   SELECT token_hash FROM staff_session WHERE name = ?1
                   ORDER BY seen_at_utc DESC, rowid DESC LIMIT -1 OFFSET ?2)";
    tx.conn.prepare_cached(sql)?.execute(params![name, MAX_SESSIONS])?;
    Ok(())
}

/// Closes the session of a token; with a name, only if it belongs to that account. Returns whether there was
/// one.
///
/// # Errors
/// The database's own.
pub fn close_session(
    tx: &mut WriteTx<'_>,
    token_hash: &[u8; 32],
    owner: Option<&str>,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM staff_session WHERE token_hash = ?1 AND name = coalesce(?2, name)
               RETURNING name";
    let closed =
        tx.conn.prepare_cached(sql)?.query_row(params![token_hash, owner], |row| row.get(0));
    let name: Option<String> = closed.optional()?;
    let Some(name) = name else { return Ok(false) };
    record_signed_out(tx, &name, 1)?;
    Ok(true)
}

/// Closes the sessions of an account except one.
///
/// # Errors
/// The database's own.
pub fn close_other_sessions(
    tx: &mut WriteTx<'_>,
    name: &str,
    kept: &[u8; 32],
) -> Result<(), StoreError> {
    match close_sessions(tx, name, Some(kept))? {
        0 => Ok(()),
        closed => record_signed_out(tx, name, closed),
    }
}

fn record_signed_out(tx: &mut WriteTx<'_>, name: &str, sessions: usize) -> Result<(), StoreError> {
    let details = serde_json::json!({ "account": name, "sessions": sessions });
    tx.append_event(AuditEvent::StaffSignedOut, &staff_actor(name), &details).map(drop)
}

/// Records that a session was used now.
///
/// # Errors
/// The database's own.
pub fn touch_session(tx: &mut WriteTx<'_>, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    let sql = "UPDATE staff_session SET seen_at_utc = max(seen_at_utc, ?2) WHERE token_hash = ?1";
    tx.conn.prepare_cached(sql)?.execute(params![token_hash, tx.now()])?;
    Ok(())
}
