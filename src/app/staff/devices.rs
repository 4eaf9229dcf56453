//! The browsers that have signed in before: each has a token in a cookie, and tries of its own, so that an
//! attack from elsewhere does not concern it (OWASP: device cookies). The token alone opens nothing.

use chrono::TimeDelta;

use crate::app::db::Db;
use crate::app::staff::sessions::{new_token, sha256};
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;

/// A device that does not sign in for this long is forgotten.
pub const DEVICE_LIFETIME: TimeDelta = TimeDelta::days(365);
/// Accounts that use one browser; with more, the one that was new longest ago is forgotten.
const MAX_TOKENS: usize = 4;
const TOKEN_DIGITS: usize = 64;

/// The tokens of a browser, one for each account that has signed in from it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DeviceTokens(Vec<String>);

impl std::fmt::Debug for DeviceTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceTokens")
    }
}

impl DeviceTokens {
    /// Reads the value of a cookie. What is not a token is left out.
    #[must_use]
    pub fn parse(cookie: &str) -> Self {
        let is_token =
            |text: &&str| text.len() == TOKEN_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
        let tokens = cookie.split('.').filter(is_token).take(MAX_TOKENS);
        Self(tokens.map(str::to_owned).collect())
    }

    /// The value of a cookie.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        self.0.join(".")
    }

    pub(crate) fn hashes(&self) -> Vec<[u8; 32]> {
        self.0.iter().map(|token| sha256(token.as_bytes())).collect()
    }

    fn with(mut self, token: String) -> Self {
        self.0.push(token);
        let surplus = self.0.len().saturating_sub(MAX_TOKENS);
        self.0.drain(..surplus);
        self
    }
}

/// The time after which a device was last used that is still known.
pub(crate) fn used_after(now: Timestamp) -> Timestamp {
    now.saturating_sub(DEVICE_LIFETIME)
}

/// The devices in the database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Devices {
    db: Db,
}

impl Devices {
    pub(crate) fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }

    /// Records that an account has signed in from a browser; returns the tokens that the browser has from now on.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn remember(
        &self,
        account: &str,
        tokens: DeviceTokens,
    ) -> Result<DeviceTokens, StoreError> {
        let (account, hashes, new) = (account.to_owned(), tokens.hashes(), new_token());
        let new_hash = sha256(new.as_bytes());
        let used_after = used_after(self.db.clock().now().into());
        let recorded = self.db.write(move |tx| {
            store::staff::devices::record_device(tx, &account, &hashes, &new_hash, used_after)
        });
        let is_known = recorded.await?;
        Ok(if is_known { tokens } else { tokens.with(new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_has_at_most_four_tokens_and_nothing_else() {
        let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|digit| digit.repeat(TOKEN_DIGITS));
        let cookie = format!("{a}.{b}..x.{}.{c}.{d}.{e}", "z".repeat(TOKEN_DIGITS));
        let tokens = DeviceTokens::parse(&cookie);
        assert_eq!(tokens.to_cookie(), format!("{a}.{b}.{c}.{d}"));
        assert_eq!(tokens.with(e.clone()).to_cookie(), format!("{b}.{c}.{d}.{e}"));
        assert_eq!(DeviceTokens::parse(""), DeviceTokens::default());
    }
}
