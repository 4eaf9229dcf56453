//! One lead, also with hostile content.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::{ESCAPE, Page};
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("lead::all_fields_history_and_integrity_are_shown", all_fields),
        case("lead::call_dialled_the_extension_or_a_second_number_as_well", telephone_links),
        case("lead::whether_staff_were_told_is_said_in_plain_words", notices),
        case("lead::only_the_lead_is_printed", print),
        case("lead::hostile_text_is_shown_as_text", hostile_text),
        case("lead::addresses_in_a_message_were_dead", live_addresses),
        case("lead::a_part_of_an_address_was_linked_to_somebody_else", other_letters),
        case("lead::a_reply_greets_and_quotes", reply),
        case("lead::an_erased_request_stayed_among_the_others_of_its_person", erased_other),
        case("lead::the_title_names_the_lead_while_it_is_open", title),
        case("lead::the_command_that_changes_the_status_can_be_copied", status_command),
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
    page.eval(
        "(navigator.clipboard.writeText = async (text) => { window.copied = text; }) && null",
    )
    .await;
    page.click(".technical-data .icon-button").await;
    page.wait_until(&format!("window.copied === '{id}'")).await;
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

/// The texts and addresses of the links in the message of a new lead.
async fn links_in(server: &TestServer, page: &Page, message: &str) -> Vec<[String; 2]> {
    let id = server.post_lead(&json!({ "message": message }));
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_until(&format!("document.title && location.pathname.endsWith({})", json!(id))).await;
    page.wait_until("document.querySelector('.message > p') !== null").await;
    let shown = page.eval("document.querySelector('.message > p').textContent").await;
    let links =
        "[...document.querySelectorAll('.message > p a')].map((a) => [a.textContent, a.href])";
    let links = serde_json::from_value(page.eval(links).await).expect("texts");
    assert!(!message.contains("U+") && shown.as_str().is_some_and(|text| !text.is_empty()));
    links
}

async fn live_addresses(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    let found = links_in(
        &server,
        &page,
        "Voir https://exemple.fr/plan(2).pdf, www.exemple.fr. Écrivez à jean.petit@exemple.fr ! \
         Appelez le 06 39 98 12 34, le +33 (0)1 99 00 12 34 ou le 0033 6 39 98 12 34.",
    )
    .await;
    let expected = [
        ["https://exemple.fr/plan(2).pdf", "https://exemple.fr/plan(2).pdf"],
        ["www.exemple.fr", "https://www.exemple.fr/"],
        ["jean.petit@exemple.fr", "mailto:jean.petit@exemple.fr"],
        ["06 39 98 12 34", "tel:+33639981234"],
        ["+33 (0)1 99 00 12 34", "tel:+33199001234"],
        ["0033 6 39 98 12 34", "tel:+33639981234"],
    ];
    assert_eq!(found, expected);
    let web = "document.querySelector('.message > p a')";
    assert_eq!(page.eval(&format!("{web}.rel")).await, "noopener noreferrer nofollow");
    assert_eq!(page.eval(&format!("{web}.target")).await, "_blank");
    // What is no address, or would run a script, or deceive.
    let hostile = "javascript:alert(1) data:text/html,<script>1</script> JaVaScRiPt://x.fr/%0aalert(1) \
                   https://banque.fr@mal.example/ http://\u{202e}rf.euqnab/ https://x vbscript:x file:///etc/passwd \
                   <a href=javascript:alert(1)>x</a> n° 2026 1234 5678 9012 3456 réf. 0612345678901 1.2.3.4 a@b";
    assert_eq!(links_in(&server, &page, hostile).await, [[""; 2]; 0]);
    let huge = format!("https://exemple.fr/{} fin", "a".repeat(1900));
    assert!(links_in(&server, &page, &huge).await.len() <= 1);
    for repeated in ["a@", "+33", "0 1 ", "https://(", "a.a.", "www.", "https://!!!!a)))"] {
        links_in(&server, &page, &repeated.repeat(1990 / repeated.len())).await;
    }
}

async fn other_letters(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    let text = "émilie.durand@orange.fr, o'brien@exemple.fr, l’hôte@exemple.fr, jean@exemple.frç, \
                jean@a.b.hôtel.fr, jean&marie@orange.fr, o´brien@x.fr, emi\u{ad}le@x.fr";
    assert_eq!(links_in(&server, &page, text).await, [[""; 2]; 0]);
    let text = "(voir https://exemple.fr/plan(2).pdf), [https://exemple.fr/a[1]]. « jean@exemple.fr ». \
                'anne@exemple.fr' (paul@exemple.fr) luc@exemple.fr. Merci... eva@exemple.fr...";
    let expected = [
        ["https://exemple.fr/plan(2).pdf", "https://exemple.fr/plan(2).pdf"],
        ["https://exemple.fr/a[1]", "https://exemple.fr/a[1]"],
        ["jean@exemple.fr", "mailto:jean@exemple.fr"],
        ["anne@exemple.fr", "mailto:anne@exemple.fr"],
        ["paul@exemple.fr", "mailto:paul@exemple.fr"],
        ["luc@exemple.fr", "mailto:luc@exemple.fr"],
        ["eva@exemple.fr", "mailto:eva@exemple.fr"],
    ];
    assert_eq!(links_in(&server, &page, text).await, expected);
}

async fn reply(server: TestServer, page: Page) {
    server.add_staff("claire");
    let long = format!("Première ligne & « guillemets »\nDeuxième 👩‍🔧\n{}", "éàü ".repeat(450));
    let id = server.post_lead(&json!({ "message": long, "name": "Zoé Ö" }));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead h1", "Zoé Ö").await;
    let link = page.eval("document.querySelector('.lead-actions a.primary').href").await;
    let link = link.as_str().expect("a link");
    assert!(link.len() < 1800, "mail programs cut longer ones: {}", link.len());
    let (_, query) = link.split_once('?').expect("a subject and a body");
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(fields[0].0, "subject");
    let (name, body) = &fields[1];
    assert_eq!(name, "body");
    assert!(body.starts_with("Bonjour Zoé Ö,\r\n\r\n"), "{body}");
    assert!(
        body.contains(
            "vous nous avez écrit :\r\n> Première ligne & « guillemets »\r\n> Deuxième 👩‍🔧\r\n> éàü"
        ),
        "{body}"
    );
    assert!(body.ends_with("\r\n> […]") && !body.contains('\u{fffd}'), "{body}");
}

async fn erased_other(server: TestServer, page: Page) {
    server.add_staff("claire");
    let messages =
        ["Premier message, effacé depuis", "Deuxième message, gardé", "Troisième message, ouvert"];
    let ids = messages.map(|message| server.post_lead(&json!({ "message": message })));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{}", ids[2])).await;
    page.wait_for_text(".other-requests h2", "(2)").await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    server.run_command(&["gdpr", "erase", "--lead", &ids[0], "--reason", "request", "--yes"], "");
    page.wait_for_text(".other-requests h2", "(1)").await;
    page.wait_for_text(".other-requests", messages[1]).await;
    let text = page.eval("document.documentElement.outerHTML").await.to_string();
    assert!(!text.contains(messages[0]), "{text}");
}

async fn title(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({ "name": "Anaïs Lefèvre" }));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_until("document.title.includes('Anaïs Lefèvre')").await;
    page.press(ESCAPE).await;
    page.wait_until("document.title.startsWith('Demandes')").await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_until("document.title.includes('Anaïs Lefèvre')").await;
    server.run_command(&["staff", "remove", "claire"], "");
    page.wait_until("document.title.startsWith('Connexion')").await;
    let text = page.eval("document.documentElement.outerHTML").await.to_string();
    assert!(!text.contains("Lefèvre"), "{text}");
}

async fn status_command(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    page.click(".status-commands summary").await;
    let commands = page.texts(".status-commands code").await;
    let expected = ["processing", "resolved", "archived"];
    assert_eq!(commands, expected.map(|to| format!("fastcore lead set-status {id} {to}")));
    page.click(".status-commands .icon-button").await;
    page.wait_for_text(".toast", "Copié").await;
    let arguments: Vec<&str> = commands[0].split(' ').skip(1).collect();
    server.run_command(&arguments, "");
    page.wait_for_text(".lead-meta", "En cours").await;
    page.wait_for_text(".status-commands dt", "Nouvelle").await;
}

async fn notices(server: TestServer, page: Page) {
    server.add_staff("claire");
    let id = server.post_lead(&json!({}));
    let channels = "INSERT INTO notice_channel (name, followed_seq, noticed_at_utc, ended_at_utc) VALUES
            ('mail-5b3f9a01', 100, NULL, NULL), ('ntfy-0c12ab34', 100, NULL, NULL),
            ('webhook-77aa88bb', 0, NULL, NOW), ('slack-12345678', 0, NULL, NULL);
        INSERT INTO notice (id, channel, subject, after_seq, through_seq, leads, created_at_utc, state, attempts,
                            next_try_at_utc, last_error) VALUES
            ('019c1a00-0000-7000-8000-000000000001', 'mail-5b3f9a01', 'leads', 0, 100, 2, NOW,
             'sent', 1, NOW, NULL),
            ('019c1a00-0000-7000-8000-000000000002', 'ntfy-0c12ab34', 'leads', 0, 100, 2, NOW,
             'given_up', 9, NOW, '<b>the receiver</b> answers 500')";
    // The server removes what ended long ago.
    let channels = channels.replace("NOW", "(SELECT created_at_utc FROM lead_inbox)");
    server.open_database().execute_batch(&channels).expect("rows");
    page.sign_in().await;
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead-notices", "Annonces").await;
    let text = page.eval("document.querySelector('.lead-notices').innerText").await;
    let text = text.as_str().expect("text");
    for part in [
        "E-mail 5b3f a été prévenu",
        "ntfy 0c12 n’a pas été prévenu",
        "9 essais",
        "<b>the receiver</b> answers 500",
        "Webhook 77aa ne veut plus rien recevoir",
        "Messagerie 1234 n’est pas encore prévenu",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    page.goto("/admin/status").await;
    page.wait_for_text(".notice-channels", "1 annonce abandonnée").await;
    page.wait_for_text(".notice-channels", "Le destinataire ne veut plus rien recevoir").await;
    // A damaged part of the database hides nothing else.
    server.open_database().execute_batch("DROP TABLE notice").expect("it is gone");
    page.goto(&format!("/admin/leads/{id}")).await;
    page.wait_for_text(".lead-notices", "Les annonces ne peuvent pas être lues").await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
    page.goto("/admin/status").await;
    page.wait_for_text(".notice-channels", "Les annonces ne peuvent pas être lues").await;
    page.wait_for_text(".tiles", "1 demande").await;
}
