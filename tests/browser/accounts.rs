//! Sign-in and sign-out.

use libtest_mimic::Trial;

use crate::authenticator::Authenticator;
use crate::driver::{ENTER, Page};
use crate::server::{PASSWORD, TestServer};
use crate::{case, case_with};

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("accounts::sign_in_with_wrong_and_right_password", sign_in),
        case("accounts::second_factor_codes_are_accepted_once", second_factor),
        case("accounts::an_expired_session_keeps_the_address", expired_session),
        case("accounts::a_failed_sign_out_is_reported", failed_sign_out),
        case_with(
            "accounts::a_wrong_public_url_looked_like_a_wrong_password",
            TestServer::start_with_wrong_public_url,
            wrong_public_url,
        ),
        case("accounts::an_open_tab_follows_a_change_of_account", change_of_account),
    ]
}

/// The pages say which setting is wrong.
async fn wrong_public_url(server: TestServer, page: Page) {
    page.goto(&server.first_account_link()).await;
    page.wait_for_text("[role=alert]", "FASTCORE_PUBLIC_URL").await;

    server.add_staff("claire");
    page.goto("/admin").await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "règle son adresse par FASTCORE_PUBLIC_URL").await;
    page.click("button[lang=en]").await;
    page.wait_for_text("h1", "Sign in").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "sets its address with FASTCORE_PUBLIC_URL").await;
}

async fn sign_in(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.goto("/admin?status=received").await;
    page.wait_for_text("h1", "Connexion").await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Remplissez").await;
    page.fill("#username", "Claire").await;
    page.fill("#password", "une autre phrase").await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Nom ou mot de passe incorrect").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".empty-state h2", "Rien ne correspond").await;
    assert_eq!(page.path().await, "/admin?status=received", "the address is kept");

    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.wait_for_text(".form-notice", "Votre session est fermée").await;
    page.goto("/admin").await;
    page.wait_for_text("h1", "Connexion").await;
}

async fn expired_session(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&serde_json::json!({}));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
    server.run_command(&["staff", "reset-password", "claire", "--password-stdin"], PASSWORD);
    // No click is needed: the server closes the event stream with the session, and the page checks.
    page.wait_for_text(".form-notice", "Votre session est terminée").await;
    assert!(!page.eval("document.body.innerText").await.to_string().contains("Dupont"));
    // The name is filled in, and the password field has the focus.
    page.type_keys(PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
}

async fn second_factor(server: TestServer, page: Page) {
    let add = ["staff", "add", "claire", "--password-stdin"];
    let shown = server.run_command(&add, PASSWORD);
    let secret = shown.split_once("secret=").and_then(|(_, rest)| rest.split_once('&'));
    let app = Authenticator::new(secret.expect("a secret").0);

    page.goto("/admin").await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("h1", "Code de vérification").await;
    page.wait_until("document.activeElement.id === 'code'").await;
    page.assert_accessible("the second step").await;
    page.type_keys(app.wrong_code()).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Code incorrect").await;
    // The wrong code is selected, so typing replaces it. Apps show codes in two halves.
    let halves = app.code(0);
    page.type_keys(&format!("{} {}", &halves[..3], &halves[3..])).await;
    page.press(ENTER).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;

    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("h1", "Code de vérification").await;
    page.type_keys(&app.code(0)).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "déjà utilisé").await;
    // The password changes before the next code.
    let other = "une tout autre phrase";
    server.run_command(&["staff", "reset-password", "claire", "--password-stdin"], other);
    page.type_keys(&app.code(1)).await;
    page.press(ENTER).await;
    page.wait_for_text("#form-error", "Nom ou mot de passe incorrect").await;
    page.fill("#password", other).await;
    page.press(ENTER).await;
    page.wait_for_text("h1", "Code de vérification").await;
    page.type_keys(&app.code(1)).await;
    page.press(ENTER).await;
    page.wait_for_text(".empty-state h2", "Pas encore de demande").await;
}

async fn failed_sign_out(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    server.kill();
    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.wait_for_text(".toast", "Déconnexion impossible").await;
    assert!(page.exists(".account-button").await, "the session is still valid and shown");
    server.start_again();
    page.wait_until("document.querySelector('.live-indicator.on') !== null").await;
    if !page.exists(".menu:popover-open").await {
        page.click(".account-button").await;
    }
    page.click(".menu button:last-child").await;
    page.wait_for_text(".form-notice", "Votre session est fermée").await;
}

/// In a second tab another person signs in.
async fn change_of_account(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.add_staff("marc");
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    page.open_tab().await;
    page.goto("/admin").await;
    // The first tab notices only when it reconnects.
    let change = "(async () => {
        const body = JSON.stringify({ name: 'marc', password: 'une phrase de passe' });
        const headers = { 'Content-Type': 'application/json' };
        const answer = await fetch('/admin/api/session', { method: 'POST', headers, body });
        window.changed = answer.ok;
    })() && null";
    page.eval(change).await;
    page.wait_until("window.changed").await;
    page.switch_to_first_tab().await;
    page.wait_for_text("#account-menu", "marc").await;
}
