//! The account page: password and sessions.

use libtest_mimic::Trial;
use serde_json::json;

use crate::driver::{ENTER, Page};
use crate::server::{PASSWORD, TestServer};
use crate::{case, case_with_two_browsers};

pub(crate) const PASSWORD_SECTION: usize = 1;
pub(crate) const SECOND_FACTOR: usize = 2;

const OTHER_PASSWORD: &str = "trente-deux girafes au petit matin";

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case_with_two_browsers("own_account::a_new_password_ends_other_sessions", new_password),
        case_with_two_browsers("own_account::another_session_is_ended", ended_session),
        case_with_two_browsers("own_account::all_other_sessions_are_ended", ended_others),
        case("own_account::forms_open_one_at_a_time", forms),
        case("own_account::works_on_the_narrowest_phone_in_both_languages", narrow),
        case("own_account::browsers_and_systems_have_names", browser_names),
    ]
}

/// Opens the form of a section of the account page, by its place.
pub(crate) async fn open_form(page: &Page, section: usize) {
    page.click(&format!("section:nth-of-type({section}) .account-section-header button")).await;
    page.wait_until("document.activeElement.id === 'password'").await;
}

async fn new_password(server: TestServer, page: Page, other: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    other.sign_in().await;
    page.click(".account-button").await;
    page.click(".menu a").await;
    page.wait_for_text("h1", "Votre compte").await;
    assert_eq!(page.title().await, "Votre compte · FASTCore");
    open_form(&page, PASSWORD_SECTION).await;
    page.press(ENTER).await;
    page.wait_for_text("#password-error", "Remplissez ce champ").await;
    page.wait_for_text("#new_password-error", "Remplissez ce champ").await;
    page.fill("#password", "une autre phrase").await;
    page.fill("#new_password", "trop court").await;
    page.wait_for_text(".form", "Encore 2 caractères").await;
    page.press(ENTER).await;
    page.wait_for_text("#new_password-error", "au moins 12 caractères").await;
    page.fill("#new_password", OTHER_PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text("#password-error", "votre mot de passe actuel").await;
    page.wait_until("document.activeElement.id === 'password'").await;
    page.assert_accessible("a form with an error").await;
    page.fill("#password", PASSWORD).await;
    page.fill("#new_password", "aaaaaaaaaaaaaaaa").await;
    page.press(ENTER).await;
    page.wait_for_text("#new_password-error", "trop facile à deviner").await;
    page.type_keys(OTHER_PASSWORD).await;
    page.press(ENTER).await;
    page.wait_for_text(".toast", "Mot de passe changé").await;
    page.wait_until("document.activeElement.textContent === 'Changer…'").await;

    // The other browser needs no click to notice.
    other.wait_for_text(".form-notice", "Votre session est terminée").await;
    other.type_keys(PASSWORD).await;
    other.press(ENTER).await;
    other.wait_for_text("#form-error", "Nom ou mot de passe incorrect").await;
    other.type_keys(OTHER_PASSWORD).await;
    other.press(ENTER).await;
    other.wait_for_text(".empty-state h2", "Pas encore de demande").await;
    page.goto("/admin/audit").await;
    page.wait_for_text(".audit-log-text", "Mot de passe changé par \u{2068}claire\u{2069}").await;
}

async fn ended_session(server: TestServer, page: Page, other: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    other.sign_in().await;
    page.goto("/admin/account").await;
    page.wait_until("document.querySelectorAll('.sessions li').length === 2").await;
    page.wait_for_text(".sessions li:first-child", "Chrome sur Linuxcet appareil").await;
    assert!(!page.exists(".sessions li:first-child button").await, "one signs out in the menu");
    let label = page.eval("document.querySelector('.sessions button').getAttribute('aria-label')");
    assert_eq!(label.await, "Terminer la session\u{a0}: Chrome sur Linux");
    page.click(".sessions button").await;
    page.wait_until("document.querySelectorAll('.sessions li').length === 1").await;
    page.wait_until("document.activeElement.textContent === 'Sessions'").await;
    other.wait_for_text(".form-notice", "Votre session est terminée").await;
    page.reload().await;
    page.wait_for_text("h1", "Votre compte").await;
}

async fn ended_others(server: TestServer, page: Page, other: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    other.sign_in().await;
    server.sign_in_with_curl("claire");
    page.goto("/admin/account").await;
    page.wait_for_text(".sessions", "curl").await;
    page.click("section:last-of-type .account-section-header button").await;
    page.wait_until("document.querySelectorAll('.sessions li').length === 1").await;
    page.wait_for_text(".toast", "Toutes les autres sessions sont terminées").await;
    other.wait_for_text(".form-notice", "Votre session est terminée").await;
    page.reload().await;
    page.wait_until("document.querySelectorAll('.sessions li').length === 1").await;
}

async fn forms(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.goto("/admin/account").await;
    open_form(&page, PASSWORD_SECTION).await;
    page.type_keys("une phrase").await;
    open_form(&page, SECOND_FACTOR).await;
    assert_eq!(page.eval("document.querySelectorAll('form').length").await, 1);
    assert_eq!(page.eval("document.activeElement.value").await, "");
    page.click(".form-actions .button:not(.primary)").await;
    page.wait_until("document.activeElement.textContent === 'Activer…'").await;
}

/// With the keyboard alone.
async fn narrow(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.resize(320, 640).await;
    for (language, title) in [("fr", "Votre compte"), ("en", "Your account")] {
        page.eval(&format!("localStorage.setItem('fastcore.language', {})", json!(language))).await;
        page.goto("/admin/account").await;
        page.reload().await;
        page.wait_for_text(".account-page h1", title).await;
        check(&page, &format!("the account in {language}")).await;
        for section in [PASSWORD_SECTION, SECOND_FACTOR] {
            let button = format!("section:nth-of-type({section}) .account-section-header button");
            page.eval(&format!("document.querySelector({}).focus()", json!(button))).await;
            page.press(ENTER).await;
            page.wait_until("document.activeElement.id === 'password'").await;
            check(&page, &format!("form {section} in {language}")).await;
        }
        page.type_keys(PASSWORD).await;
        page.press(ENTER).await;
        page.wait_until("document.querySelector('.qr-code')?.naturalWidth > 0").await;
        page.wait_until("document.activeElement.tagName === 'P'").await;
        check(&page, &format!("the QR code in {language}")).await;
    }
}

async fn check(page: &Page, view: &str) {
    page.assert_no_horizontal_scroll(view).await;
    page.assert_accessible(view).await;
}

/// User-Agent headers of browsers, most of which name other browsers as well.
const BROWSERS: [(&str, &str, &str); 12] = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
        "Firefox",
        "Windows",
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Chrome",
        "Linux",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
        "Edge",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 OPR/123.0.0.0",
        "Opera",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        "Safari",
        "macOS",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        "Safari",
        "iPhone",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1",
        "Chrome",
        "iPhone",
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/143.0 Mobile/15E148 Safari/605.1.15",
        "Firefox",
        "iPad",
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        "Samsung Internet",
        "Android",
    ),
    ("Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0", "Firefox", "Android"),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Chrome",
        "ChromeOS",
    ),
    ("curl/8.14.1", "curl", ""),
];

async fn browser_names(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    // The page has it in a scope of its own.
    let source = include_str!("../../assets/admin/lib/browser-name.js").replace("export ", "");
    let define =
        format!("(window.browserName = (() => {{ {source}\nreturn browserName; }})()) && null");
    page.eval(&define).await;
    for (user_agent, browser, system) in BROWSERS {
        let found = page.eval(&format!("window.browserName({})", json!(user_agent))).await;
        let system = (!system.is_empty()).then_some(system);
        assert_eq!(found, json!({ "browser": browser, "system": system }), "{user_agent}");
    }
    for unknown in ["null", "''", "'x'.repeat(500)"] {
        let found = page.eval(&format!("window.browserName({unknown})")).await;
        assert_eq!(found, json!({ "browser": null, "system": null }), "{unknown}");
    }
}
