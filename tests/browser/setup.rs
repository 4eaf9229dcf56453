//! Setup links: the first account, and invitations.

use libtest_mimic::Trial;

use crate::authenticator::Authenticator;
use crate::case;
use crate::driver::{ENTER, Page};
use crate::server::{PASSWORD, TestServer};

/// Long enough, and among the first that a guesser tries.
const GUESSABLE: &str = "aaaaaaaaaaaaaaaa";

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("setup::the_first_account_link_creates_one_account", first_account),
        case("setup::the_first_account_can_have_a_second_factor", first_account_with_totp),
        case("setup::an_invitation_leads_to_the_inbox", invitation),
        case("setup::an_invitation_without_a_second_factor_has_one_step", without_second_factor),
        case("setup::a_new_link_in_the_tab_of_an_expired_one_works", second_link_in_a_tab),
        case("setup::a_link_opens_where_somebody_is_signed_in", link_with_a_session),
        case("setup::a_reload_keeps_no_secret", reload),
    ]
}

/// Makes an invitation; returns the path of its link.
pub(crate) fn invite(server: &TestServer, arguments: &[&str]) -> String {
    let shown = server.run_command(&[&["staff", "invite"], arguments].concat(), "");
    let link = shown.lines().find_map(|line| line.trim().split_once("/admin/setup#"));
    format!("/admin/setup#{}", link.unwrap_or_else(|| panic!("no link in {shown}")).1.trim())
}

/// Follows an invitation to the QR code of the second factor.
pub(crate) async fn choose_password(page: &Page, link: &str) -> Authenticator {
    page.goto(link).await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    Authenticator::scan(page).await
}

/// Confirms the second factor; returns the recovery codes.
pub(crate) async fn confirm(page: &Page, code: &str) -> Vec<String> {
    page.fill("#code", code).await;
    page.press(ENTER).await;
    page.wait_until("document.querySelector('.recovery-codes') !== null").await;
    page.texts(".recovery-codes li").await
}

pub(crate) async fn store_codes(page: &Page) {
    page.click(".recovery-codes > .button.primary").await;
}

async fn first_account(server: TestServer, page: Page) {
    let link = server.first_account_link();
    page.goto(&link).await;
    page.wait_for_text("h1", "Bienvenue").await;
    page.wait_until("document.activeElement.id === 'username'").await;
    page.press(ENTER).await;
    page.wait_for_text("#username-error", "Remplissez").await;
    // Each field is told its own fault.
    page.fill("#password", "trop court").await;
    page.press(ENTER).await;
    page.wait_for_text("#password-error", "au moins 12 caractères").await;
    page.wait_for_text("#username-error", "Remplissez").await;
    page.fill("#username", "Élodie").await;
    page.wait_for_text(".form-field", "« elodie »").await;
    page.fill("#password", "trop court").await;
    page.press(ENTER).await;
    page.wait_for_text("#password-error", "au moins 12 caractères").await;
    page.fill("#password", GUESSABLE).await;
    page.press(ENTER).await;
    page.wait_for_text("#password-error", "trop facile à deviner").await;
    page.wait_until("document.activeElement.id === 'password'").await;
    page.fill("#username", "-").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("#username-error", "1 à 32 lettres").await;
    page.fill("#username", "Élodie").await;
    page.press(ENTER).await;
    page.wait_for_text("h1", "Second facteur").await;
    page.wait_for_text(".card > .small", "un mot de passe volé suffit").await;
    page.click(".form-actions .button:not(.primary)").await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    assert_eq!(page.path().await, "/admin");

    sign_out(&page).await;
    page.goto_blank().await;
    page.goto(&link).await;
    page.wait_for_text("h1", "Ce lien n’est plus valable").await;
}

async fn first_account_with_totp(server: TestServer, page: Page) {
    page.goto(&server.first_account_link()).await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    let app = Authenticator::scan(&page).await;
    assert_eq!(confirm(&page, &app.code(0)).await.len(), 10);
    store_codes(&page).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    let listed = server.run_command(&["staff", "list"], "");
    assert!(listed.contains("claire"), "{listed}");
    sign_out(&page).await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("h1", "Code de vérification").await;
    page.type_keys(&app.code(1)).await;
    page.press(ENTER).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
}

/// On the narrowest phone, with the keyboard, in both languages.
async fn invitation(server: TestServer, page: Page) {
    server.add_staff("claire");
    let link = invite(&server, &["marie"]);
    page.resize(320, 640).await;
    page.goto(&link).await;
    page.wait_for_text("h1", "Votre compte").await;
    page.wait_for_text(".card", "marie").await;
    check(&page, "the first step").await;
    page.wait_until("document.activeElement.id === 'password'").await;
    page.type_keys(PASSWORD).await;
    page.press(ENTER).await;
    let app = Authenticator::scan(&page).await;
    page.wait_until("document.activeElement.tagName === 'H1'").await;
    check(&page, "the second step").await;
    assert!(!page.exists(".form-actions .button:not(.primary)").await, "it cannot be left out");
    page.fill("#code", app.wrong_code()).await;
    page.press(ENTER).await;
    page.wait_for_text("#code-error", "Ce code ne correspond pas").await;
    // A change of language in the middle changes nothing else.
    page.click(".centered-page > .button").await;
    page.wait_for_text("h1", "Second factor").await;
    check(&page, "the second step in English").await;
    let codes = confirm(&page, &app.code(0)).await;
    assert_eq!(codes.len(), 10, "{codes:?}");
    page.wait_for_text("h1", "Recovery codes").await;
    page.wait_until("document.activeElement.tagName === 'H1'").await;
    check(&page, "the recovery codes").await;
    assert_eq!(page.path().await, "/admin/setup", "the token left the address");
    store_codes(&page).await;
    page.wait_for_text(".empty-state h2", "No lead yet").await;
    assert_eq!(page.path().await, "/admin");
    page.goto("/admin/audit").await;
    page.wait_for_text(".audit-log-text", "Link for the account “\u{2068}marie\u{2069}” made by")
        .await;

    page.goto_blank().await;
    page.goto(&link).await;
    page.wait_for_text("h1", "This link no longer works").await;
    // The person is signed in still.
    page.click("a.button").await;
    page.wait_for_text(".audit-log-text, .empty-state h2", "No lead yet").await;
}

async fn check(page: &Page, step: &str) {
    page.assert_no_horizontal_scroll(step).await;
    page.assert_accessible(step).await;
}

async fn without_second_factor(server: TestServer, page: Page) {
    let link = invite(&server, &["marie", "--without-totp"]);
    page.goto(&link).await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    page.goto("/admin/account").await;
    page.wait_for_text(".account-state.warning", "Un mot de passe volé suffirait").await;
}

async fn second_link_in_a_tab(server: TestServer, page: Page) {
    let link = invite(&server, &["marie"]);
    page.goto("/admin/setup#0123456789abcdef").await;
    page.wait_for_text("h1", "Ce lien n’est plus valable").await;
    // Only the fragment of the address changes.
    page.goto(&link).await;
    page.wait_for_text("h1", "Votre compte").await;
}

async fn link_with_a_session(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    let link = invite(&server, &["marie", "--without-totp"]);
    page.goto(&link).await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".account-button", "M").await;
}

async fn reload(server: TestServer, page: Page) {
    let link = invite(&server, &["marie"]);
    let app = choose_password(&page, &link).await;
    page.reload().await;
    page.wait_for_text("h1", "Votre compte").await;
    assert_eq!(page.eval("document.querySelector('#password').value").await, "");
    let again = choose_password(&page, &link).await;
    assert_ne!(app.code(0), again.code(0), "a secret is proposed once");
    let codes = confirm(&page, &again.code(0)).await;
    let stored = page.eval("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])").await;
    for secret in [PASSWORD, &codes[0]] {
        assert!(!stored.to_string().contains(secret), "{stored}");
    }
    page.reload().await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
}

pub(crate) async fn sign_out(page: &Page) {
    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.wait_for_text("h1", "Connexion").await;
}
