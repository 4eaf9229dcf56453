//! The first account, signing in and out.

use libtest_mimic::Trial;

use crate::case;
use crate::driver::{ENTER, Page};
use crate::site::{PASSWORD, Site};

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("accounts::the_first_account_is_made_by_its_link_once", first_account),
        case("accounts::a_wrong_password_says_so_and_the_right_one_opens_the_inbox", sign_in),
        case("accounts::a_session_that_ends_keeps_the_place", ended),
    ]
}

async fn first_account(site: Site, page: Page) {
    let link = site.printed.lines().find_map(|line| line.trim().strip_prefix(&site.origin));
    let link = link.unwrap_or_else(|| panic!("no link in {:?}", site.printed)).to_owned();
    page.go(&link).await;
    page.says("h1", "Bienvenue").await;
    page.fill("#username", "Élodie").await;
    page.says(".field", "« elodie »").await;
    page.fill("#password", "trop court").await;
    page.press(ENTER).await;
    page.says("#fault", "Au moins 12 caractères").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.says(".empty h2", "Pas encore de demande").await;
    assert_eq!(page.address().await, "/admin");

    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.says("h1", "Connexion").await;
    page.go("/admin").await;
    page.go(&link).await;
    page.reload().await;
    page.fill("#username", "marc").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.says("h1", "Ce lien n’est plus valable").await;
}

async fn sign_in(site: Site, page: Page) {
    site.add_staff("claire");
    page.go("/admin?status=received").await;
    page.says("h1", "Connexion").await;
    page.press(ENTER).await;
    page.says("#fault", "Remplissez").await;
    page.fill("#username", "Claire").await;
    page.fill("#password", "une autre phrase").await;
    page.press(ENTER).await;
    page.says("#fault", "Nom ou mot de passe incorrect").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.says(".empty h2", "Rien ne correspond").await;
    assert_eq!(page.address().await, "/admin?status=received", "the place is kept");

    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.says(".notice", "Votre session est fermée").await;
    page.go("/admin").await;
    page.says("h1", "Connexion").await;
}

async fn ended(site: Site, page: Page) {
    site.add_staff("claire");
    let id = site.post(&serde_json::json!({}));
    page.sign_in().await;
    page.go(&format!("/admin/leads/{id}")).await;
    page.says(".lead h1", "Jean Dupont").await;
    site.run(&["staff", "reset-password", "claire", "--password-stdin"], PASSWORD);
    // Nothing was clicked: the server ends the live events with the session, and the page asks.
    page.says(".notice", "Votre session est terminée").await;
    assert!(!page.eval("document.body.innerText").await.to_string().contains("Dupont"));
    // The name is there already, the field of the password has the focus.
    page.type_keys(PASSWORD).await;
    page.press(ENTER).await;
    page.says(".lead h1", "Jean Dupont").await;
}
