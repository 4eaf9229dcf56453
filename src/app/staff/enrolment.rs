//! Enrolling a second factor: a new secret is proposed, and confirmed by the first code of the app.

use qrcode::QrCode;
use qrcode::render::{svg, unicode};
use totp_rs::Secret;

use crate::app::staff::key::StaffKey;
use crate::app::staff::password::HashMemory;
use crate::app::staff::totp;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::AccountName;
use crate::store::staff::rows::SecondFactor;

/// How long a proposed secret can be confirmed, in seconds.
const LIFETIME_SECONDS: i64 = 30 * 60;
/// Pixels of a module of the QR code, at least.
const MODULE_PIXELS: u32 = 5;
/// Bytes of a secret: the output of SHA-1, as RFC 4226 recommends.
const SECRET_LEN: usize = 20;

/// A new shared secret for an authenticator app. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct TotpEnrolment {
    name: AccountName,
    secret: [u8; SECRET_LEN],
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
        Self { name: name.clone(), secret: rand::random() }
    }

    /// The secret as a person types it: base 32 in groups of four.
    #[must_use]
    pub fn base32(&self) -> String {
        let text = Secret::from(self.secret).to_base32();
        let groups = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join(" ")
    }

    /// The content of the QR code.
    #[must_use]
    pub fn url(&self) -> String {
        let base32 = Secret::from(self.secret).to_base32();
        // Names have no character that would need escaping; apps take SHA-1, 6 digits and 30 s
        // for granted, and some of them read nothing else.
        let name = self.name.as_str();
        format!("otpauth://totp/FASTCore:{name}?secret={base32}&issuer=FASTCore")
    }

    /// The QR code as an SVG image.
    ///
    /// # Errors
    /// The text is too long for a QR code.
    pub fn qr_svg(&self) -> Result<String, String> {
        let code = QrCode::new(self.url()).map_err(|e| e.to_string())?;
        Ok(code.render::<svg::Color<'_>>().module_dimensions(MODULE_PIXELS, MODULE_PIXELS).build())
    }

    /// The QR code in characters, light on dark, as in terminals; cameras read both.
    ///
    /// # Errors
    /// The text is too long for a QR code.
    pub fn qr_text(&self) -> Result<String, String> {
        use unicode::Dense1x2::{Dark, Light};
        let code = QrCode::new(self.url()).map_err(|e| e.to_string())?;
        Ok(code.render::<unicode::Dense1x2>().dark_color(Light).light_color(Dark).build())
    }

    /// The time step of a code that is valid at `now` (Unix seconds).
    #[must_use]
    pub fn step_of(&self, code: &str, now: i64) -> Option<i64> {
        totp::step_of(&self.secret, code, now)
    }

    /// The enrolment as a text that the page keeps until the code is entered. Only this server can read it.
    #[must_use]
    pub fn seal(&self, key: &StaffKey, now: i64) -> String {
        let expires = (now + LIFETIME_SECONDS).to_be_bytes();
        let content = [expires.as_slice(), &self.secret].concat();
        hex::encode(key.seal(&enrolment_purpose(&self.name), &content))
    }

    /// The enrolment of [`Self::seal`], unless it has expired or is of another account.
    #[must_use]
    pub fn unseal(text: &str, name: &AccountName, key: &StaffKey, now: i64) -> Option<Self> {
        let content = key.open(&enrolment_purpose(name), &hex::decode(text).ok()?)?;
        let (expires, secret) = content.split_first_chunk::<8>()?;
        let secret = secret.try_into().ok()?;
        (now < i64::from_be_bytes(*expires)).then(|| Self { name: name.clone(), secret })
    }

    /// The second factor for the database, confirmed by the code of `step`, and its recovery codes.
    ///
    /// # Errors
    /// A code cannot be hashed.
    pub fn confirmed(
        &self,
        key: &StaffKey,
        step: Option<i64>,
        memory: &mut HashMemory,
    ) -> Result<(SecondFactor, Vec<RecoveryCode>), String> {
        let (codes, recovery_hashes) = new_recovery_codes(memory)?;
        let sealed_secret = totp::seal(key, self.name.as_str(), &self.secret);
        let factor = SecondFactor { sealed_secret, last_step: step.unwrap_or(0), recovery_hashes };
        Ok((factor, codes))
    }
}

/// New recovery codes, and their hashes. Each hash takes some 20 ms.
pub(crate) fn new_recovery_codes(
    memory: &mut HashMemory,
) -> Result<(Vec<RecoveryCode>, Vec<String>), String> {
    let codes: Vec<_> =
        (0..RecoveryCode::COUNT).map(|_| RecoveryCode::from_random(rand::random())).collect();
    let hashes = codes.iter().map(|code| memory.hash(code.as_bytes()));
    let hashes = hashes.collect::<Result<_, _>>()?;
    Ok((codes, hashes))
}

fn enrolment_purpose(name: &AccountName) -> String {
    format!("enrolment:{}", name.as_str())
}
