//! The second factor: codes of six digits that change every 30 s (RFC 6238).

use totp_rs::{Builder, Secret, Totp};

use crate::domain::staff::AccountName;

/// A new shared secret for an authenticator app. `Debug` shows nothing of it.
pub struct TotpEnrolment {
    secret: [u8; 20],
    url: String,
}

impl std::fmt::Debug for TotpEnrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl TotpEnrolment {
    /// A new secret for an account.
    #[must_use]
    pub fn new(name: &AccountName) -> Self {
        let secret: [u8; 20] = rand::random();
        let base32 = Secret::from(secret).to_base32();
        // Names have no character that would need escaping; apps take SHA-1, 6 digits and 30 s
        // for granted, and some of them read nothing else.
        let url =
            format!("otpauth://totp/FASTCore:{}?secret={base32}&issuer=FASTCore", name.as_str());
        Self { secret, url }
    }

    /// The content of the QR code.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The time step of a code that is valid at `now` (Unix seconds).
    #[must_use]
    pub fn step_of(&self, code: &str, now: i64) -> Option<i64> {
        step_of(&self.secret, code, now)
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

/// The time step of a code that is valid at `now` (Unix seconds) or one step before or after.
pub(crate) fn step_of(secret: &[u8], code: &str, now: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let totp: Totp = Builder::new().with_secret(Secret::from(secret)).build().ok()?;
    let step = totp.check(&code, u64::try_from(now).ok()?)?;
    i64::try_from(step).ok()
}
