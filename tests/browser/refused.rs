//! Refused submissions: seen at once, called back, and leads after all.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("refused::from_the_refusal_to_the_lead", to_the_lead),
        case("refused::every_lead_threw_the_list_away_and_the_focus_with_it", list_stays),
        case("refused::a_short_list_that_was_read_again_never_was_once_more", list_stays_live),
        case("refused::a_view_had_no_title_no_focus_and_lost_its_retry_button", title_focus_retry),
        case("refused::one_submission_was_counted_in_the_plural", one_counted),
        case("refused::hostile_bodies_are_inert", hostile),
    ]
}

async fn to_the_lead(server: TestServer, page: Page) {
    server.add_staff("claire");
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    assert!(!page.exists("a[href='/admin/refused'] .nav-badge").await);
    let meta = json!({
        "source": "fast-techservices.com", "request_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "ip_hash": "abc123", "timestamp": "2026-01-03T10:30:45Z",
    });
    server.post_refused(
        &json!({ "meta": meta, "message": "Rappelez-moi au 06 99 88 77 66, merci beaucoup." }),
    );
    page.wait_for_text("a[href='/admin/refused'] .nav-badge", "1").await;
    page.click("a[href='/admin/refused']").await;
    page.wait_for_text(".refused-why", "date d’envoi : il manque").await;
    page.click(".refused-list li a").await;
    page.wait_for_text(".refused-contacts", "jean@example.com").await;
    page.wait_for_text(".refused-contacts", "06 99 88 77 66").await;
    for (width, height) in [(1440, 900), (320, 640)] {
        page.resize(width, height).await;
        page.assert_no_horizontal_scroll("a refused submission").await;
        page.assert_accessible("a refused submission").await;
    }
    server.run_command(&["refused", "retry", "--all", "--set", "meta.timestamp_utc=now"], "");
    page.wait_until("!document.querySelector(\"a[href='/admin/refused'] .nav-badge\")").await;
    page.goto("/admin/refused").await;
    page.wait_for_text(".empty-state", "Rien n’a été refusé").await;
    page.goto("/admin/refused?settled=true").await;
    page.click(".refused-list li a").await;
    page.click("main a[href^='/admin/leads/']").await;
    page.wait_for_text(".lead h1", "Jean Dupont").await;
    for (width, height) in [(1440, 900), (320, 640)] {
        page.resize(width, height).await;
        page.goto("/admin/refused?settled=true").await;
        page.wait_until("document.querySelector('.refused-list li') !== null").await;
        page.assert_no_horizontal_scroll("the refused submissions").await;
        page.assert_accessible("the refused submissions").await;
    }
}

async fn list_stays(server: TestServer, page: Page) {
    server.add_staff("claire");
    for number in 0..60 {
        server.post_refused(
            &json!({ "name": "", "message": format!("Envoi {number}, merci de me rappeler") }),
        );
    }
    page.sign_in().await;
    page.goto("/admin/refused").await;
    let rows = "document.querySelectorAll('.refused-list li').length";
    page.wait_until(&format!("{rows} >= 50")).await;
    page.wait_until("[...document.querySelectorAll('.refused-list li a')].at(-1).focus() ?? true")
        .await;
    page.wait_until(&format!("{rows} === 60")).await;
    page.eval("document.querySelectorAll('.refused-list li a')[55].focus()").await;
    page.eval(
        "(window.skeletons = 0, new MutationObserver(() => {
        window.skeletons += document.querySelectorAll('.skeleton').length;
    }).observe(document.body, { childList: true, subtree: true })) ?? null",
    )
    .await;
    let position = page.eval("scrollY").await;
    assert!(position.as_u64() > Some(1000), "{position}");
    let reads = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/admin/api/refused')).length";
    let before = page.eval(reads).await;
    server.post_lead(&json!({}));
    page.wait_until(&format!("{reads} > {before}")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let state = "[scrollY, window.skeletons, document.querySelectorAll('.refused-list li').length,
        [...document.querySelectorAll('.refused-list li a')].indexOf(document.activeElement)]";
    assert_eq!(page.eval(state).await, json!([position, 0, 60, 55]));
    server.post_refused(&json!({ "name": "", "message": "Encore un, merci de me rappeler" }));
    page.wait_until(&format!("{rows} === 61")).await;
    let focused =
        "[...document.querySelectorAll('.refused-list li a')].indexOf(document.activeElement)";
    assert_eq!(page.eval(focused).await, 56, "the same row");
    assert_eq!(page.eval("window.skeletons").await, 0);
    // What has become a lead goes from the list of the others, wherever it is in it.
    let last = page.eval("[...document.querySelectorAll('.refused-list li a')].at(-1).href").await;
    let last = last.as_str().and_then(|href| href.rsplit('/').next()).expect("an id");
    server.run_command(&["refused", "retry", last, "--set", "name=Jean"], "");
    page.wait_until(&format!("{rows} === 60")).await;
    assert_eq!(page.eval(focused).await, 56, "the same row");
    server.run_command(&["refused", "retry", "--all", "--set", "name=Jean"], "");
    page.wait_for_text(".empty-state", "Rien n’a été refusé").await;
}

async fn list_stays_live(server: TestServer, page: Page) {
    server.add_staff("claire");
    let refuse = |number: u8| {
        server.post_refused(&json!({ "name": "", "message": format!("Envoi numéro {number}") }));
    };
    let rows = "document.querySelectorAll('.refused-list li').length";
    refuse(1);
    page.sign_in().await;
    page.wait_for_text(".live-indicator.on", "En direct").await;
    page.click("a[href='/admin/refused']").await;
    page.wait_until(&format!("{rows} === 1")).await;
    for number in 2..=4 {
        refuse(number);
        page.wait_until(&format!("{rows} === {number}")).await;
    }
    // Nor was one that failed tried again.
    let fail_once = "(window.fetchInFact = window.fetch, window.failed = 0, window.fetch = (url, ...more) => {
        if (window.failed > 0 || !String(url).includes('limit=50')) return window.fetchInFact(url, ...more);
        window.failed += 1;
        return Promise.reject(new TypeError('no network'));
    }) && null";
    page.eval(fail_once).await;
    refuse(5);
    page.wait_until(&format!("{rows} === 5")).await;
    assert_eq!(page.eval("window.failed").await, 1);
}

async fn title_focus_retry(mut server: TestServer, page: Page) {
    server.add_staff("claire");
    for number in 0..30 {
        server.post_refused(&json!({ "name": "", "message": format!("Envoi {number}") }));
    }
    page.sign_in().await;
    page.click("a[href='/admin/refused']").await;
    page.wait_until("document.querySelectorAll('.refused-list li').length === 30").await;
    assert_eq!(page.title().await, "Refusées · FASTCore");
    page.click(".refused-list li:nth-child(29) a").await;
    page.wait_until("document.querySelector('.refused-body') !== null").await;
    page.wait_until("document.activeElement.id === 'main' && scrollY === 0").await;
    assert_eq!(page.title().await, "Envoi refusé · FASTCore");

    page.click("main a[href='/admin/refused']").await;
    page.wait_until("document.querySelectorAll('.refused-list li').length === 30").await;
    server.kill();
    page.click(".refused-list li a").await;
    page.wait_for_text("main .empty-state", "Le serveur ne répond pas").await;
    page.assert_accessible("a refused submission without the server").await;
    let button = "document.querySelector('main .empty-state button')";
    page.eval(&format!("({button}.isFirst = true) && {button}.click()")).await;
    page.wait_until(&format!("{button}?.disabled === false")).await;
    assert_eq!(page.eval(&format!("{button}.isFirst")).await, true, "the same button");
    server.start_again();
    // By itself.
    page.wait_until("document.querySelector('.refused-body') !== null").await;
}

async fn one_counted(_server: TestServer, page: Page) {
    page.goto("/admin").await;
    page.wait_until("document.querySelector('#username') !== null").await;
    let texts = "import(performance.getEntriesByType('resource').map(({ name }) => name)
            .find((name) => name.includes('/lang/fr.')))
        .then(({ default: { refused } }) => [1, 1200].flatMap((count) =>
            [refused.evicted(count), refused.overBudget(count)].map((text) => text.split(/[ :,]+/u).slice(0, 5).join(' '))))";
    let expected = [
        "1 envoi refusé a été",
        "1 autre envoi refusé a",
        "1\u{202f}200 envois refusés ont été",
        "1\u{202f}200 autres envois refusés ont",
    ];
    assert_eq!(page.resolve(texts).await, json!(expected));
}

async fn hostile(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_refused(&json!({ "name": "<img src=x onerror=\"window.hit = 1\">", "consent": 3 }));
    server.post_refused(&json!({ "message": "\u{202e}gro.elpmaxe\0\u{200b}", "<script>window.hit = 1</script>": "\0" }));
    server.post_refused_bytes(&vec![b'['; 20_000]);
    server.post_refused_bytes(b"\xff\xfe\x00\x00<script>window.hit = 1</script>\x1b[31m");
    let noise: Vec<u8> =
        (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    server.post_refused_bytes(&noise);
    page.sign_in().await;
    for place in 1..=5 {
        page.goto("/admin/refused").await;
        page.wait_until("document.querySelectorAll('.refused-list li').length === 5").await;
        page.click(&format!(".refused-list li:nth-child({place}) a")).await;
        page.wait_until("document.querySelector('.refused-body') !== null").await;
        page.assert_no_horizontal_scroll("a hostile body").await;
    }
    assert_eq!(page.eval("window.hit ?? null").await, json!(null));
}
