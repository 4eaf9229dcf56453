//! Recovery codes, and the second factor on the account page.

use libtest_mimic::Trial;

use crate::authenticator::Authenticator;
use crate::case;
use crate::driver::{ENTER, Page};
use crate::own_account::{SECOND_FACTOR, open_form};
use crate::server::{PASSWORD, TestServer};
use crate::setup::{choose_password, confirm, invite, sign_out, store_codes};

const RECOVERY_CODES: usize = 3;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("second_factor::a_recovery_code_signs_in_once", recovery_code),
        case("second_factor::set_up_and_replaced_on_the_account_page", replaced),
        case("second_factor::new_recovery_codes_end_the_old_ones", renewed_codes),
        case("second_factor::few_recovery_codes_left_is_a_warning", few_codes),
        case("second_factor::printing_prints_only_the_recovery_codes", print),
        case("second_factor::the_downloaded_file_has_the_codes", download),
        case("second_factor::a_stale_qr_code_is_replaced", stale_qr_code),
        case("second_factor::shown_codes_survive_a_change_of_language", change_of_language),
    ]
}

/// Invites marie, who sets her account up and stays signed in.
async fn set_up_marie(server: &TestServer, page: &Page) -> (Authenticator, Vec<String>) {
    let app = choose_password(page, &invite(server, &["marie"])).await;
    let codes = confirm(page, &app.code(0)).await;
    store_codes(page).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    (app, codes)
}

/// Signs in with the password, up to the recovery code.
async fn ask_for_recovery_code(page: &Page) {
    page.fill("#username", "marie").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".card .small", "Téléphone perdu ?").await;
    page.click(".card .link-button").await;
    page.wait_until("document.activeElement.id === 'recovery-code'").await;
}

async fn recovery_code(server: TestServer, page: Page) {
    let (_, codes) = set_up_marie(&server, &page).await;
    sign_out(&page).await;
    page.resize(320, 640).await;
    ask_for_recovery_code(&page).await;
    page.assert_no_horizontal_scroll("the recovery code").await;
    page.assert_accessible("the recovery code").await;
    page.type_keys("abcde-fghjk").await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Code de secours incorrect").await;
    // As somebody types it from paper.
    page.fill("#recovery-code", &codes[0].to_uppercase().replace('-', " ")).await;
    page.press(ENTER).await;
    page.wait_for_text(".form-notice", "il en reste 9").await;
    assert_eq!(page.path().await, "/admin/account");
    page.wait_for_text("#live-region", "il en reste 9").await;
    page.assert_accessible("the account after a recovery code").await;
    page.goto("/admin/audit").await;
    page.wait_for_text(".audit-log-text", "avec un code de secours").await;

    sign_out(&page).await;
    ask_for_recovery_code(&page).await;
    page.type_keys(&codes[0]).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "déjà utilisé").await;
}

async fn replaced(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.goto("/admin/account").await;
    page.wait_for_text(".account-state.warning", "Un mot de passe volé suffirait").await;
    let sections = page.texts(".account-section h2").await;
    assert!(!sections.iter().any(|section| section.contains("secours")), "{sections:?}");
    let first = enrol(&page).await;
    page.fill("#code", first.wrong_code()).await;
    page.press(ENTER).await;
    page.wait_for_text("#code-error", "Ce code ne correspond pas").await;
    assert_eq!(confirm(&page, &first.code(0)).await.len(), 10);
    store_codes(&page).await;
    page.wait_for_text(".account-state.success", "un code de votre application").await;
    page.wait_for_text(".account-state.success", "Encore 10 codes").await;
    page.wait_until("document.activeElement.textContent === 'Remplacer…'").await;

    // A new phone: only its codes count from now on.
    let second = enrol(&page).await;
    confirm(&page, &second.code(0)).await;
    store_codes(&page).await;
    page.wait_until("!document.querySelector('.recovery-codes')").await;
    sign_out(&page).await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("h1", "Code de vérification").await;
    page.type_keys(&first.code(1)).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Code incorrect").await;
    page.type_keys(&second.code(1)).await;
    page.press(ENTER).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    page.goto("/admin/audit").await;
    page.wait_for_text(".audit-log-text", "Second facteur activé par \u{2068}claire\u{2069}").await;
}

/// Opens the form of the second factor, up to the QR code.
async fn enrol(page: &Page) -> Authenticator {
    open_form(page, SECOND_FACTOR).await;
    page.fill("#password", "une autre phrase").await;
    page.press(ENTER).await;
    page.wait_for_text("#password-error", "votre mot de passe actuel").await;
    page.wait_until("document.activeElement.id === 'password'").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    Authenticator::scan(page).await
}

/// Makes new recovery codes on the account page.
async fn renew(page: &Page) -> Vec<String> {
    page.goto("/admin/account").await;
    open_form(page, RECOVERY_CODES).await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_until("document.querySelector('.recovery-codes') !== null").await;
    page.texts(".recovery-codes li").await
}

async fn renewed_codes(server: TestServer, page: Page) {
    let (_, old) = set_up_marie(&server, &page).await;
    let new = renew(&page).await;
    store_codes(&page).await;
    page.wait_for_text(".toast", "Les nouveaux codes de secours sont en vigueur").await;
    sign_out(&page).await;
    ask_for_recovery_code(&page).await;
    page.type_keys(&old[0]).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Code de secours incorrect").await;
    page.type_keys(&new[0]).await;
    page.press(ENTER).await;
    page.wait_for_text(".form-notice", "il en reste 9").await;
}

async fn few_codes(server: TestServer, page: Page) {
    let (_, _) = set_up_marie(&server, &page).await;
    let database = server.open_database();
    database
        .execute(
            "DELETE FROM staff_recovery_code WHERE rowid IN (SELECT rowid FROM staff_recovery_code LIMIT 7)",
            [],
        )
        .expect("rows are deleted");
    page.goto("/admin/account").await;
    page.wait_for_text(".account-state.warning", "Encore 3 codes").await;
}

async fn print(server: TestServer, page: Page) {
    set_up_marie(&server, &page).await;
    let codes = renew(&page).await;
    page.emulate_print().await;
    let printed = page.eval("document.body.innerText").await.to_string();
    for text in [codes[0].as_str(), codes[9].as_str(), "marie", "sert une seule fois"] {
        assert!(printed.contains(text), "{text} is not in {printed}");
    }
    for text in ["Votre compte", "Sessions", "Télécharger", "J’ai conservé"] {
        assert!(!printed.contains(text), "{text} is in {printed}");
    }
}

async fn download(server: TestServer, page: Page) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    page.download_to(folder.path()).await;
    set_up_marie(&server, &page).await;
    let codes = renew(&page).await;
    page.click(".recovery-codes .small-button:nth-of-type(2)").await;
    let file = folder.path().join("fastcore-codes-de-secours-marie.txt");
    for _ in 0..1200 {
        if file.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let text = std::fs::read_to_string(file).expect("the file is there");
    for code in codes {
        assert!(text.lines().any(|line| line == code), "{code} is not in {text}");
    }
}

/// As after half an hour: the server does not know what is sent as its proposal.
const SEND_STALE_ENROLMENT: &str = "(() => {
    const { fetch } = window;
    window.fetch = (url, options) => {
        if (!options.body?.includes('\"code\"')) return fetch(url, options);
        window.fetch = fetch;
        const body = JSON.stringify({ ...JSON.parse(options.body), enrolment: 'stale' });
        return fetch(url, { ...options, body });
    };
})()";

async fn stale_qr_code(server: TestServer, page: Page) {
    let first = choose_password(&page, &invite(&server, &["marie"])).await;
    let second = confirm_stale(&page, &first).await;
    confirm(&page, &second.code(0)).await;
    store_codes(&page).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;

    page.goto("/admin/account").await;
    let first = enrol(&page).await;
    let second = confirm_stale(&page, &first).await;
    assert_eq!(confirm(&page, &second.code(0)).await.len(), 10);
}

/// Confirms a proposal that is too old; returns the app with the next one.
async fn confirm_stale(page: &Page, app: &Authenticator) -> Authenticator {
    page.eval(SEND_STALE_ENROLMENT).await;
    page.fill("#code", &app.code(0)).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Ce code QR est trop ancien. Scannez le nouveau.").await;
    let next = Authenticator::scan(page).await;
    assert_ne!(app.code(0), next.code(0));
    next
}

async fn change_of_language(server: TestServer, page: Page) {
    set_up_marie(&server, &page).await;
    let codes = renew(&page).await;
    page.click(".account-button").await;
    page.click(".menu button[lang=en]").await;
    page.wait_for_text("h1", "Your account").await;
    assert_eq!(page.texts(".recovery-codes li").await, codes);
    let disabled =
        "[...document.querySelectorAll('.account-section-header button')].every((b) => b.disabled)";
    assert_eq!(page.eval(disabled).await, true, "no click closes the codes by accident");
}
