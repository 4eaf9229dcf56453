//! The list of accounts.

use rusqlite::params;

use crate::domain::staff::SessionCutoffs;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// An account, or an invitation to one, in a list.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AccountInfo {
    pub name: String,
    /// `None` if there is only an invitation yet.
    pub created_at_utc: Option<Timestamp>,
    /// Whether it has a second factor.
    pub totp: bool,
    /// Recovery codes that are not used.
    pub recovery_codes: u32,
    /// Open sessions, and when one was last used.
    pub sessions: u32,
    pub seen_at_utc: Option<Timestamp>,
    /// Until when the link with which the person chooses a password is valid, if there is one.
    pub invited_until_utc: Option<Timestamp>,
}

impl ReadTx<'_> {
    /// Every account and open invitation, by name.
    ///
    /// # Errors
    /// The database's own.
    pub fn accounts(
        &self,
        cutoffs: &SessionCutoffs,
        now: Timestamp,
    ) -> Result<Vec<AccountInfo>, StoreError> {
        let mut statement = self.0.prepare(include_str!("list_accounts.sql"))?;
        let SessionCutoffs { seen_after, created_after, created_until } = *cutoffs;
        let values = params![seen_after, created_after, created_until, now];
        let rows = statement.query_map(values, |row| {
            Ok(AccountInfo {
                name: row.get(0)?,
                created_at_utc: row.get(1)?,
                totp: row.get(2)?,
                recovery_codes: row.get(3)?,
                sessions: row.get(4)?,
                seen_at_utc: row.get(5)?,
                invited_until_utc: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
