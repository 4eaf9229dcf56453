//! What a search finds: the same in the page, in the shell and in an export.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::admin::{Browser, FORM, SAME_ORIGIN, server_with_account};
use crate::support::binary;
use crate::support::http::post_lead;
use crate::support::server::TestServer;
use crate::support::{IS_INDEXED, lead};

/// A server with these leads, each other than [`lead`] in some fields, and their ids.
fn server_with(leads: &[Value]) -> (TestServer, Browser, Vec<String>) {
    let (server, browser) = server_with_account();
    let send = |changes: &Value| {
        let mut lead = lead();
        lead["phone"] = json!(null);
        lead["service"] = json!(null);
        lead["message"] = json!("Bonjour, rappelez-moi dès que possible, merci");
        for (name, value) in changes.as_object().expect("fields") {
            lead[name] = value.clone();
        }
        let answer = post_lead(server.address, &lead);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["leadId"].as_str().expect("an id").to_owned()
    };
    let ids = leads.iter().map(send).collect();
    assert!(server.eventually(|| server.number(IS_INDEXED) == 1));
    (server, browser, ids)
}

fn search(browser: &mut Browser, query: &str) -> Value {
    let answer = browser.post("/admin/api/leads/search", &json!({ "q": query }));
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()
}

fn names(leads: &Value) -> BTreeSet<String> {
    let leads = leads.as_array().expect("leads").iter();
    leads.map(|lead| lead["name"].as_str().expect("a name").to_owned()).collect()
}

/// The names that the page, the shell and an export find, which must be the same.
fn found(server: &TestServer, browser: &mut Browser, query: &str) -> BTreeSet<String> {
    let in_page = names(&search(browser, query)["leads"]);
    let run = |arguments: &[&str]| binary::succeed(server.folder(), arguments);
    let listed = run(&["lead", "list", "--json", "--query", query]);
    let exported = run(&["export", "leads", "--format", "jsonl", "--query", query]);
    let exported: Value =
        exported.lines().map(|line| line.parse::<Value>().expect("JSON")).collect();
    assert_eq!(names(&listed.parse().expect("JSON")), in_page, "{query}");
    assert_eq!(names(&exported), in_page, "{query}");
    in_page
}

/// Each line: names, separated by commas, then after a colon the queries that find them and nobody else.
fn assert_finds(server: &TestServer, browser: &mut Browser, cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (expected, queries) = line.split_once(':').expect("a case");
        let expected: BTreeSet<String> = expected
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        for query in queries.split('|').map(str::trim) {
            assert_eq!(found(server, browser, query), expected, "{query}");
        }
    }
}

#[test]
fn a_callers_number_found_only_the_spelling_that_it_was_sent_in() {
    let (server, mut browser, _) = server_with(&[
        json!({ "name": "Anne", "phone": "+33 6 12 34 56 78" }),
        json!({ "name": "Boris", "phone": "0612345678" }),
        json!({ "name": "Claire", "phone": "04.72.11.22.33" }),
        json!({ "name": "David", "phone": "+33472112233" }),
        json!({ "name": "Emma", "phone": "0472001122#12 / 0639980011" }),
        json!({ "name": "Farid", "message": "Rappelez-moi au 0033 (0)6 39 98 44 55 svp, merci" }),
        json!({ "name": "Gerd", "phone": "+41 22 123 45 67" }),
    ]);
    let cases = "
        Anne, Boris: 0612345678 | 06 12 34 56 78 | 06.12.34.56.78 | +33 6 12 34 56 78 | 0033612345678 | +33 (0)6 12 34 56 78
        Anne, Boris: 0612 | 06 12 3 | +33 6 12 | 33612 | 5678 | 56 78 | 345678
        Claire, David: 0472112233 | 04 72 11 22 33 | 2233 | 04 72 1 | +33 4 72 11
        Claire, David, Emma: 0472 | 04 72
        Emma: 04 72 00 11 22 | 0639980011 | emma 0472
        Farid: 0639984455 | 06 39 98 44 55 | 4455
        Gerd: +41221234567 | 0041 22 123 | 12212
        : 0612345679 | 06 12 34 56 79 | claire 0612345678";
    assert_finds(&server, &mut browser, cases);
}

#[test]
fn scripts_without_spaces_and_words_with_joiners_were_not_found() {
    let (server, mut browser, _) = server_with(&[
        json!({ "name": "山田太郎" }),
        json!({ "name": "می\u{200c}خواهم" }),
        json!({ "name": "Işık" }),
        json!({ "name": "김민준", "company": "한국전력공사" }),
        json!({ "name": "สมชาย", "message": "ต้องการใบเสนอราคาสำหรับเครื่องอัดอากาศ" }),
        json!({ "name": "Łukasz" }),
        json!({ "name": "Com\u{ad}presseur" }),
    ]);
    let cases = "
        山田太郎: 太郎 | 山田 | 田太郎 | 郎 | 山田太郎
        می\u{200c}خواهم: میخواهم | می\u{200c}خواهم
        Işık: isik | ışık | IŞIK
        김민준: 민준 | 전력 | \u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}
        สมชาย: เสนอราคา
        Łukasz: lukasz
        Com\u{ad}presseur: compresseur
        : 郎太";
    assert_finds(&server, &mut browser, cases);
}

#[test]
fn a_services_name_and_a_leads_ids_found_nothing() {
    let (server, mut browser, ids) = server_with(&[
        json!({ "name": "Anne", "service": "compresseurs" }),
        json!({ "name": "Boris", "service": "cabines", "meta": {
            "source": "site", "request_id": "9e107d9d-372b-4b81-8f3a-5d2c61f0aa11", "ip_hash": "00ff",
            "timestamp_utc": "2026-03-02T08:00:00Z",
        } }),
        json!({ "name": "Claire" }),
    ]);
    let id = &ids[0];
    let cases = format!(
        "
        Anne: compresseurs | Compressors | compress | {id} | {} | {} | anne {id}
        Boris: spray booths | cabines | 9e107d9d-372b-4b81-8f3a-5d2c61f0aa11 | 9E107D9D | 9e107d9d-37 | 9e107d9d372b
        : 9e107d9e | 9e107d9 | boris {id}",
        &id[..30],
        id.to_uppercase(),
    );
    assert_finds(&server, &mut browser, &cases);
}

#[test]
fn the_names_of_services_are_those_of_the_page() {
    use fastcore::domain::lead::LeadService;
    for (at, language) in ["fr", "en"].into_iter().enumerate() {
        let path = format!("{}/assets/admin/lang/{language}.js", env!("CARGO_MANIFEST_DIR"));
        let texts = std::fs::read_to_string(path).expect("texts");
        for service in LeadService::ALL {
            let name = service.names().split(", ").nth(at).expect("a name");
            let line = format!("  {}: '{name}',", service.as_str());
            assert!(texts.contains(&line), "{language}: {line}");
        }
    }
}

#[test]
fn a_query_of_signs_showed_and_exported_every_lead() {
    let (server, mut browser, _) = server_with(&[json!({ "name": "Anne" })]);
    for query in ["👍", "*", "@", "_", "\u{200d}", "…", "' \" -"] {
        let page = search(&mut browser, query);
        assert_eq!((&page["leads"], &page["searchable"]), (&json!([]), &json!(false)), "{query}");
        assert_eq!(page["count"], json!({ "rows": 0, "exact": true }), "{query}");
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("q", query).finish();
        let export =
            browser.send("POST", "/admin/api/export", &[SAME_ORIGIN, FORM], form.as_bytes());
        assert_eq!(export.status, 422, "{query}: {export:?}");
        assert_eq!(export.json()["detail"][0]["loc"], json!(["body", "q"]), "{query}");
        for command in [["export", "leads"], ["lead", "list"]] {
            let output =
                binary::run(server.folder(), &[&command[..], &["--query", query]].concat());
            assert_eq!(output.status.code(), Some(2), "{command:?} {query}");
            assert!(output.stdout.is_empty(), "{command:?} {query}");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(error.contains("no letter and no digit"), "{command:?} {query}: {error}");
        }
    }
    assert_eq!(search(&mut browser, "anne")["searchable"], json!(true));
    let exports = "SELECT count(*) FROM audit_log WHERE event = 'LEADS_EXPORTED'";
    assert_eq!(server.number(exports), 0);
}

#[test]
fn a_misspelt_word_gets_a_suggestion_that_finds_something() {
    let (server, mut browser, _) = server_with(&[
        json!({ "name": "Anaïs Lefèvre", "message": "Notre compresseur à vis s’arrête sans raison" }),
        json!({ "name": "Boris Besson", "service": "ponts", "message": "Un pont roulant électrique de cinq tonnes" }),
    ]);
    let cases = [
        ("compreseur", json!("compresseur")),
        ("Compresseurr vis", json!("compresseur vis")),
        ("cmopresseur", json!("compresseur")),
        ("comprsseuur", json!("compresseur")),
        ("anias", json!("anaïs")),
        ("lefebre", json!("lefèvre")),
        ("roulnat elecrtique", json!("roulant électrique")),
        // It would find nothing.
        ("besson compreseur", json!(null)),
        ("introuvable", json!(null)),
        ("0612345679", json!(null)),
        ("vsi", json!(null)),
        ("lefèvre", json!(null)),
    ];
    for (query, suggestion) in cases {
        assert_eq!(search(&mut browser, query)["suggestion"], suggestion, "{query}");
        for command in [["export", "leads"], ["lead", "list"]] {
            let output =
                binary::run(server.folder(), &[&command[..], &["--query", query]].concat());
            let error = String::from_utf8_lossy(&output.stderr);
            let hint = suggestion.as_str().map(|query| format!("--query '{query}'?"));
            let is_told = error.contains(hint.as_deref().unwrap_or("--query"));
            assert_eq!(is_told, hint.is_some(), "{command:?} {query}: {error}");
        }
    }
    let narrowed = json!({ "q": "compreseur", "service": "ponts" });
    let narrowed = browser.post("/admin/api/leads/search", &narrowed).json();
    assert_eq!(narrowed["suggestion"], json!(null), "no lead of this service has the word");

    // What was erased is not suggested, and neither is what the index lacks.
    binary::succeed(server.folder(), &["lead", "rebuild-index"]);
    assert_eq!(search(&mut browser, "compreseur")["suggestion"], json!("compresseur"));
    let lead =
        server
            .sqlite()
            .query_row("SELECT id FROM lead_inbox ORDER BY audit_seq", [], |row| row.get(0));
    let lead: String = lead.expect("a lead");
    binary::succeed(
        server.folder(),
        &["gdpr", "erase", "--lead", &lead, "--reason", "request", "--yes"],
    );
    assert_eq!(search(&mut browser, "compreseur")["suggestion"], json!(null));
}

/// The marked parts of a text.
fn marked(text: &Value, hits: &Value) -> Vec<String> {
    let units: Vec<u16> = text.as_str().expect("a text").encode_utf16().collect();
    let hits = hits.as_array().expect("hits").iter();
    let index =
        |number: &Value| usize::try_from(number.as_u64().expect("an index")).expect("small");
    hits.map(|hit| String::from_utf16_lossy(&units[index(&hit["start"])..index(&hit["end"])]))
        .collect()
}

#[test]
fn a_search_shows_where_it_found_its_words() {
    let message = "👍 Bonjour, nous avons plusieurs machines dans notre atelier de Vénissieux, et l’une d’elles, le \
                   sécheur frigorifique, affiche un défaut. Rappelez-moi au 06 39 98 44 55.";
    let (_server, mut browser, ids) = server_with(&[json!({
        "name": "Anaïs Lefèvre", "company": "Défauts & Cie", "service": "compresseurs", "message": message,
        "phone": "+33 4 72 11 22 33", "email": "anais@secheurs.example.com",
    })]);
    let mut row = |query: &str| search(&mut browser, query)["leads"][0].clone();
    let lead = row("anais DEFAUT");
    assert_eq!(marked(&lead["name"], &lead["hits"]["name"]), ["Anaïs"]);
    assert_eq!(marked(&lead["company"], &lead["hits"]["company"]), ["Défaut"]);
    assert_eq!(marked(&lead["excerpt"], &lead["hits"]["excerpt"]), ["défaut"]);
    assert!(lead["excerpt"].as_str().expect("text").starts_with("… "), "{lead}");
    assert_eq!(lead["hits"]["contact"], json!(null));

    let lead = row("472112233");
    assert_eq!(
        marked(&lead["hits"]["contact"]["text"], &lead["hits"]["contact"]["hits"]),
        ["4 72 11 22 33"]
    );
    let lead = row("0472112233 compressors");
    assert_eq!(lead["hits"]["service"], json!(true));
    assert_eq!(
        marked(&lead["hits"]["contact"]["text"], &lead["hits"]["contact"]["hits"]),
        ["+33 4 72 11 22 33"]
    );
    let lead = row("0639984455");
    assert_eq!(marked(&lead["excerpt"], &lead["hits"]["excerpt"]), ["06 39 98 44 55"]);

    let path = format!("/admin/api/leads/{}", ids[0]);
    let opened = browser.post(&path, &json!({ "q": "secheur 2233 bonj" })).json();
    assert_eq!(marked(&opened["lead"]["message"], &opened["hits"]["message"]), ["Bonj", "sécheur"]);
    assert_eq!(marked(&opened["lead"]["email"], &opened["hits"]["email"]), ["secheur"]);
    assert_eq!(marked(&opened["lead"]["phone"], &opened["hits"]["phone"]), ["22 33"]);
    assert_eq!(browser.read(&path)["hits"], json!(null));
    let phones = browser.read(&path)["lead"]["message_phones"].clone();
    assert_eq!(marked(&json!(message), &phones), ["06 39 98 44 55"]);
    assert_eq!(phones[0]["uri"], json!("tel:+33639984455"));
}

#[test]
fn the_other_requests_of_a_person_are_found_by_address_and_number() {
    let mut leads = vec![
        json!({ "name": "Anne", "email": "A.Martin@éxample.com" }),
        json!({ "name": "Anne", "email": "a.martin@xn--xample-9ua.com", "phone": "0612345678" }),
        json!({ "name": "Anne", "email": "autre@example.com", "phone": "+33 6 12 34 56 78" }),
        json!({ "name": "Boris", "email": "boris@example.com", "message": "Votre collègue est au 06 12 34 56 78, merci" }),
    ];
    leads.extend((0..25).map(|n| json!({ "name": "Client", "email": "client@example.com", "phone": format!("04 72 00 11 {n:02}") })));
    let (server, mut browser, ids) = server_with(&leads);
    let mut others = |n: usize| {
        let others = browser.read(&format!("/admin/api/leads/{}", ids[n]))["others"].clone();
        let found = others["leads"].as_array().expect("leads").iter();
        let found: Vec<usize> = found
            .map(|lead| ids.iter().position(|id| lead["id"] == **id).expect("a lead"))
            .collect();
        (found, others["count"]["rows"].as_u64())
    };
    assert_eq!(others(0), (vec![1], Some(1)));
    assert_eq!(others(1), (vec![2, 0], Some(2)));
    assert_eq!(others(2), (vec![1], Some(1)));
    assert_eq!(others(3), (vec![], Some(0)));
    assert_eq!(others(10), ((4..29).rev().filter(|n| *n != 10).take(20).collect(), Some(24)));
    let mut counts = |path: &str| -> Vec<u64> {
        let page = browser.read(path);
        let leads = page["leads"].as_array().expect("leads").iter();
        leads.map(|lead| lead["requests"].as_u64().expect("a number")).collect()
    };
    let page = "/admin/api/leads?limit=200";
    assert_eq!(counts(page)[25..], [1, 2, 3, 2]);
    assert_eq!(counts(page)[..25], [10; 25]);
    binary::succeed(
        server.folder(),
        &["gdpr", "erase", "--lead", &ids[1], "--reason", "request", "--yes"],
    );
    assert_eq!(counts(page)[25..], [1, 1, 1]);
}
