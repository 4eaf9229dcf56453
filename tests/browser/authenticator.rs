//! An authenticator app: the codes of a second factor.

use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Builder, Secret, Totp};

use crate::driver::Page;

const STEP_SECONDS: u64 = 30;

pub(crate) struct Authenticator {
    totp: Totp,
    /// The time of the first code. The server accepts the code of the next step as well, so a case may take that long.
    started_at: u64,
}

impl Authenticator {
    /// With a secret in base 32; spaces are ignored.
    pub(crate) fn new(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret.replace(' ', "")).expect("base32");
        let totp = Builder::new().with_secret(secret).build().expect("a TOTP generator");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Self { totp, started_at: now.as_secs() }
    }

    /// With the secret that the page shows next to the QR code.
    pub(crate) async fn scan(page: &Page) -> Self {
        page.wait_until("document.querySelector('.qr-code')?.naturalWidth > 0").await;
        Self::new(
            page.wait_until("document.querySelector('.secret code')?.textContent")
                .await
                .as_str()
                .expect("text"),
        )
    }

    /// The code at the start, or so many steps later.
    pub(crate) fn code(&self, step: u64) -> String {
        self.totp.generate(self.started_at + step * STEP_SECONDS).to_string()
    }

    /// Six digits that are not the code.
    pub(crate) fn wrong_code(&self) -> &'static str {
        if self.code(0) == "000000" { "111111" } else { "000000" }
    }
}
