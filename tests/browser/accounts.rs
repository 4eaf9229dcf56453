//! The first account, signing in and out.

use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::Trial;
use totp_rs::{Builder, Secret};

use crate::case;
use crate::driver::{ENTER, Page};
use crate::site::{PASSWORD, Site};

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("accounts::the_first_account_is_made_by_its_link_once", first_account),
        case("accounts::a_wrong_password_says_so_and_the_right_one_opens_the_inbox", sign_in),
        case("accounts::a_second_factor_is_asked_for_and_each_code_taken_once", second_factor),
        case("accounts::a_session_that_ends_keeps_the_place", ended),
        case("accounts::who_cannot_be_signed_out_is_told", not_signed_out),
        case("accounts::a_tab_left_open_is_the_next_persons", next_person),
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

async fn second_factor(site: Site, page: Page) {
    let add = ["staff", "add", "claire", "--totp", "--password-stdin"];
    let shown = site.run(&add, PASSWORD);
    let secret = shown.split_once("secret=").and_then(|(_, rest)| rest.split_once('&'));
    let secret = Secret::try_from_base32(secret.expect("a secret").0).expect("base32");
    let totp = Builder::new().with_secret(secret).build().expect("a factor");
    // A code is good a step longer than it is shown: the case may last that long.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let code = |step: u64| totp.generate(now + step * 30).to_string();

    page.go("/admin").await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.says("h1", "Code de vérification").await;
    page.until("document.activeElement.id === 'code'").await;
    page.assert_accessible("the second step").await;
    let wrong = if code(0) == "000000" { "111111" } else { "000000" };
    page.type_keys(wrong).await;
    page.press(ENTER).await;
    page.says("#fault", "Code incorrect").await;
    // The wrong code is marked: who types goes over it. Apps show codes in two halves.
    let halves = code(0);
    page.type_keys(&format!("{} {}", &halves[..3], &halves[3..])).await;
    page.press(ENTER).await;
    page.says(".empty h2", "Pas encore de demande").await;

    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.fill("#username", "claire").await;
    page.fill("#password", PASSWORD).await;
    page.press(ENTER).await;
    page.says("h1", "Code de vérification").await;
    page.type_keys(&code(0)).await;
    page.press(ENTER).await;
    page.says("#fault", "déjà utilisé").await;
    // The password is changed before the next code is there.
    let other = "une tout autre phrase";
    site.run(&["staff", "reset-password", "claire", "--password-stdin"], other);
    page.type_keys(&code(1)).await;
    page.press(ENTER).await;
    page.says("#fault", "Nom ou mot de passe incorrect").await;
    page.fill("#password", other).await;
    page.press(ENTER).await;
    page.says("h1", "Code de vérification").await;
    page.type_keys(&code(1)).await;
    page.press(ENTER).await;
    page.says(".empty h2", "Pas encore de demande").await;
}

async fn not_signed_out(mut site: Site, page: Page) {
    site.add_staff("claire");
    page.sign_in().await;
    site.stop();
    page.click(".account-button").await;
    page.click(".menu button:last-child").await;
    page.says(".toast", "Le serveur ne répond pas").await;
    assert!(page.has(".account-button").await, "the session still lives, and is seen to");
    site.start_again();
    page.until("document.querySelector('.live.on') !== null").await;
    if !page.has(".menu:popover-open").await {
        page.click(".account-button").await;
    }
    page.click(".menu button:last-child").await;
    page.says(".notice", "Votre session est fermée").await;
}

/// Someone signs in, in a tab beside, where another has signed out.
async fn next_person(site: Site, page: Page) {
    site.add_staff("claire");
    site.add_staff("marc");
    page.sign_in().await;
    page.says(".live.on", "En direct").await;
    page.another_tab().await;
    page.go("/admin").await;
    // Both at once: the first tab finds out only when it listens again.
    let change = "(async () => {
        await fetch('/admin/api/session', { method: 'DELETE' });
        const body = JSON.stringify({ name: 'marc', password: 'une phrase de passe' });
        const headers = { 'Content-Type': 'application/json' };
        const answer = await fetch('/admin/api/session', { method: 'POST', headers, body });
        window.changed = answer.ok;
    })() && null";
    page.eval(change).await;
    page.until("window.changed").await;
    page.first_tab().await;
    page.says("#account", "marc").await;
}
