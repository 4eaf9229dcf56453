//! One lead, also with hostile content.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("lead::all_fields_history_and_integrity_are_shown", all_fields),
        case("lead::call_dialled_the_extension_or_a_second_number_as_well", telephone_links),
        case("lead::only_the_lead_is_printed", print),
        case("lead::hostile_text_is_shown_as_text", hostile_text),
    ]
}

async fn all_fields(server: TestServer, page: Page) {
    server.add_staff("claire");
    let older = server.post_lead(
        &json!({ "name": "Plus Ancien", "consent": false, "phone": null, "company": null }),
    );
    let id =
        server.post_lead(&json!({ "message": "Première ligne de la demande\nDeuxième ligne" }));
    server.run_command(&["lead", "set-status", &id, "processing"], "");
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
    let text = page.eval("document.querySelector('.lead').innerText").await;
    let text = text.as_str().expect("text");
    for part in [
        "En cours",
        "Ponts",
        "heure de Paris",
        "Première ligne de la demande\nDeuxième ligne",
        "jean@example.com",
        "+33612345678",
        "Garage Dupont",
        "Consentement donné",
        "Demande reçue du site",
        "Demande ouverte par",
        "Contenu intact",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let links = page
        .eval("[...document.querySelectorAll('.contact a')].map((a) => a.getAttribute('href'))")
        .await;
    assert!(links[0].as_str().expect("a link").starts_with("mailto:jean@example.com?subject="));
    assert_eq!(links[1], "tel:+33612345678");
    page.click(".proof summary").await;
    page.wait_for_text(".technical-data", &id).await;
    page.click(".contact .icon-button").await;
    page.wait_for_text(".toast", "Copié").await;

    page.click(&format!(".lead-toolbar a[href='/admin/leads/{older}']")).await;
    page.wait_for_text(".lead h1", "Plus Ancien").await;
    page.wait_for_text(".lead", "Pas de consentement").await;
    page.back().await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
    page.wait_for_text(".timeline", "(2 fois)").await;
    page.goto("/admin/leads/00000000-0000-7000-8000-000000000000").await;
    page.wait_for_text(".empty-state h1", "Demande introuvable").await;
}

async fn telephone_links(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    for (phone, link) in [
        ("+33 (0)4 73 12 34 56", json!("tel:+33473123456")),
        ("04.73.12.34.56", json!("tel:+33473123456")),
        ("04 72 00 11 22 poste 12", json!("tel:+33472001122;ext=12")),
        ("0472001122 / 0639981234", json!("tel:+33472001122")),
        ("04 72 00 11 2", json!(null)),
        ("à venir", json!(null)),
    ] {
        let id = server.post_lead(&json!({ "phone": phone }));
        page.goto(&format!("/admin/leads/{id}")).await;
        page.wait_for_text(".contact", phone).await;
        let found =
            "document.querySelector('.lead-actions a[href^=tel]')?.getAttribute('href') ?? null";
        assert_eq!(page.eval(found).await, link, "{phone}");
    }
}

async fn print(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.emulate_theme("dark").await;
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
    page.emulate_print().await;
    let visibility = "((css) => [...document.querySelectorAll(css)].map((e) => e.checkVisibility({ contentVisibilityAuto: true })))";
    for css in
        [".lead h1", ".message > p", ".contact dd", ".timeline", ".receipt", ".technical-data dd"]
    {
        let visible = page.eval(&format!("{visibility}({})", json!(css))).await;
        let visible = visible.as_array().expect("a list");
        assert!(
            !visible.is_empty() && visible.iter().all(|visible| *visible == true),
            "{css} must be printed"
        );
    }
    for css in [".top-bar", ".list-pane", ".lead-toolbar", ".lead-actions", ".icon-button"] {
        let visible = page.eval(&format!("{visibility}({})", json!(css))).await;
        let visible = visible.as_array().expect("a list");
        assert!(visible.iter().all(|visible| *visible == false), "{css} must not be printed");
    }
    // Black on white, also in the dark theme.
    let ink = page.eval("getComputedStyle(document.querySelector('.lead h1')).color").await;
    assert_eq!(ink, "rgb(0, 0, 0)");
}

async fn hostile_text(server: TestServer, page: Page) {
    server.add_staff("claire");
    let begin = "<script>window.hurt = 1</script> <img src=x onerror='window.hurt = 2'> \u{202e}drow\u{2067} 👩‍🔧😀 مرحبا\n";
    let message: String = begin.chars().chain(std::iter::repeat('é')).take(2000).collect();
    let id = server.post_lead(&json!({
        "name": "<b>Gras</b> \u{202e}live", "company": "\"><script>window.hurt = 3</script>",
        "email": "a.b+c@example.com", "phone": "javascript:alert(1)", "message": message,
    }));
    page.sign_in().await;
    page.wait_for_text(".lead-row-name", "<b>Gras</b>").await;
    page.resize(320, 640).await;
    page.assert_no_horizontal_scroll("the list").await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "<b>Gras</b>").await;
    let shown = page.eval("document.querySelector('.message > p').textContent").await;
    let with_codes = message.replace('\u{202e}', "U+202E").replace('\u{2067}', "U+2067");
    assert_eq!(shown.as_str(), Some(with_codes.as_str()), "what turns the direction is shown");
    assert_eq!(page.eval("window.hurt ?? null").await, json!(null));
    assert_eq!(
        page.eval("document.querySelectorAll('.lead script, .lead img, .lead b b').length").await,
        0
    );
    // Its writing direction does not affect the text around it.
    let isolated = "['.lead h1 bdi', '.message > p'].map((css) => getComputedStyle(document.querySelector(css)).unicodeBidi)";
    assert_eq!(page.eval(isolated).await, json!(["isolate", "plaintext"]));
    assert_eq!(page.eval("document.querySelectorAll('a[href^=javascript]').length").await, 0);
    page.assert_no_horizontal_scroll("the lead").await;
}
