//! One lead, and what hostile people send.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::site::Site;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("lead::everything_that_was_sent_is_shown_with_its_proof", whole),
        case("lead::a_telephone_link_dials_what_was_meant", telephone),
        case("lead::on_paper_there_is_the_lead_alone", paper),
        case("lead::hostile_text_shows_as_text", hostile),
    ]
}

async fn whole(site: Site, page: Page) {
    site.add_staff("claire");
    let older = site
        .post(&json!({ "name": "Plus Ancien", "consent": false, "phone": null, "company": null }));
    let id = site.post(&json!({ "message": "Première ligne de la demande\nDeuxième ligne" }));
    site.run(&["lead", "set-status", &id, "processing"], "");
    page.sign_in().await;
    page.go(&format!("/admin/leads/{id}")).await;
    page.says(".lead h1", "Jean Dupont").await;
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
    page.click(".technical summary").await;
    page.says(".technical", &id).await;
    page.click(".contact .icon-button").await;
    page.says(".toast", "Copié").await;

    page.click(&format!(".lead-bar a[href='/admin/leads/{older}']")).await;
    page.says(".lead h1", "Plus Ancien").await;
    page.says(".lead", "Pas de consentement").await;
    page.back().await;
    page.says(".lead h1", "Jean Dupont").await;
    page.says(".timeline", "(2 fois)").await;
    page.go("/admin/leads/00000000-0000-7000-8000-000000000000").await;
    page.says(".empty h1", "Demande introuvable").await;
}

async fn telephone(site: Site, page: Page) {
    site.add_staff("claire");
    page.sign_in().await;
    for (phone, link) in [
        ("+33 (0)4 73 12 34 56", json!("tel:+33473123456")),
        ("04.73.12.34.56", json!("tel:0473123456")),
        ("à venir", json!(null)),
    ] {
        let id = site.post(&json!({ "phone": phone }));
        page.go(&format!("/admin/leads/{id}")).await;
        page.says(".contact", phone).await;
        let found = "document.querySelector('.answer a[href^=tel]')?.getAttribute('href') ?? null";
        assert_eq!(page.eval(found).await, link, "{phone}");
    }
}

async fn paper(site: Site, page: Page) {
    site.add_staff("claire");
    let id = site.post(&json!({}));
    page.theme("dark").await;
    page.sign_in().await;
    page.go(&format!("/admin/leads/{id}")).await;
    page.says(".lead h1", "Jean Dupont").await;
    page.as_printed().await;
    let seen = "((css) => [...document.querySelectorAll(css)].map((e) => e.checkVisibility({ contentVisibilityAuto: true })))";
    for css in [".lead h1", ".message > p", ".contact dd", ".timeline", ".receipt", ".technical dd"]
    {
        let seen = page.eval(&format!("{seen}({})", json!(css))).await;
        let seen = seen.as_array().expect("a list");
        assert!(!seen.is_empty() && seen.iter().all(|seen| *seen == true), "{css} is printed");
    }
    for css in [".top", ".list", ".lead-bar", ".answer", ".icon-button"] {
        let seen = page.eval(&format!("{seen}({})", json!(css))).await;
        let seen = seen.as_array().expect("a list");
        assert!(seen.iter().all(|seen| *seen == false), "{css} is not printed");
    }
    // Black on white, whatever the screen's theme is.
    let ink = page.eval("getComputedStyle(document.querySelector('.lead h1')).color").await;
    assert_eq!(ink, "rgb(0, 0, 0)");
}

async fn hostile(site: Site, page: Page) {
    site.add_staff("claire");
    let begin = "<script>window.hurt = 1</script> <img src=x onerror='window.hurt = 2'> \u{202e}drow\u{2067} 👩‍🔧😀 مرحبا\n";
    let message: String = begin.chars().chain(std::iter::repeat('é')).take(2000).collect();
    let id = site.post(&json!({
        "name": "<b>Gras</b> \u{202e}live", "company": "\"><script>window.hurt = 3</script>",
        "email": "a.b+c@example.com", "phone": "javascript:alert(1)", "message": message,
    }));
    page.sign_in().await;
    page.says(".row-name", "<b>Gras</b>").await;
    page.size(320, 640).await;
    page.assert_fits("the list").await;
    page.go(&format!("/admin/leads/{id}")).await;
    page.says(".lead h1", "<b>Gras</b>").await;
    let shown = page.eval("document.querySelector('.message > p').textContent").await;
    assert_eq!(shown.as_str(), Some(message.as_str()));
    assert_eq!(page.eval("window.hurt ?? null").await, json!(null));
    assert_eq!(
        page.eval("document.querySelectorAll('.lead script, .lead img, .lead b b').length").await,
        0
    );
    // Its direction ends where it ends.
    let isolated = "['.lead h1 bdi', '.message > p'].every((css) => getComputedStyle(document.querySelector(css)).unicodeBidi === 'isolate')";
    assert_eq!(page.eval(isolated).await, true);
    assert_eq!(page.eval("document.querySelectorAll('a[href^=javascript]').length").await, 0);
    page.assert_fits("the lead").await;
}
