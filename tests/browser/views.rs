//! Every view: accessible in both themes, from 320 px up, in both languages.

use libtest_mimic::Trial;
use serde_json::json;

use crate::case;
use crate::driver::Page;
use crate::site::Site;

/// Path, and what shows that the view is there.
const SIGNED_OUT: [(&str, &str); 3] =
    [("/admin", "#username"), ("/admin/welcome#00", "#password"), ("/admin/welcome", "a.button")];
const SIGNED_IN: [(&str, &str); 8] = [
    ("/admin", "a.row"),
    ("/admin?q=introuvable", ".list .empty"),
    ("/admin/figures", ".chart canvas"),
    ("/admin/figures?period=12m", ".chart canvas"),
    ("/admin/audit", ".log li"),
    ("/admin/audit?event=LEAD_RECEIVED", ".log li"),
    ("/admin/state", ".tiles"),
    ("/admin/leads/00000000-0000-7000-8000-000000000000", ".empty h1"),
];

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("views::axe_finds_nothing_in_light", |site, page| accessible(site, page, "light")),
        case("views::axe_finds_nothing_in_dark", |site, page| accessible(site, page, "dark")),
        case("views::the_theme_is_the_systems", theme),
        case("views::french_first_english_by_browser_or_switch", languages),
        case("views::figures_have_their_tables", figures),
        case("views::a_longer_period_is_drawn_anew", longer_period),
    ]
}

async fn accessible(site: Site, page: Page, theme: &'static str) {
    page.theme(theme).await;
    for (path, sign) in SIGNED_OUT {
        look(&page, path, sign).await;
    }
    site.add_staff("claire");
    let id = site.post(&json!({}));
    site.post(&json!({ "name": "Anne-Charlotte de La Rochefoucauld-Montmorency", "company": "X".repeat(120) }));
    page.size(1440, 900).await;
    page.sign_in().await;
    for (path, sign) in SIGNED_IN {
        look(&page, path, sign).await;
    }
    look(&page, &format!("/admin/leads/{id}"), ".lead h1").await;
    for (key, sign) in [('e', "dialog .formats"), ('?', "dialog .plain")] {
        page.go("/admin").await;
        page.until("document.querySelector('a.row') !== null").await;
        page.press(key).await;
        page.until(&format!("document.querySelector({}) !== null", json!(sign))).await;
        page.assert_accessible(sign).await;
    }
    page.go("/admin").await;
    page.click(".account-button").await;
    page.assert_accessible("the menu").await;
}

/// Looks at a view on a state and on the narrowest telephone.
async fn look(page: &Page, path: &str, sign: &str) {
    for (width, height) in [(1440, 900), (320, 640)] {
        page.size(width, height).await;
        page.leave().await;
        page.go(path).await;
        page.until(&format!("document.querySelector({}) !== null", json!(sign))).await;
        let view = format!("{path} at {width}");
        page.assert_fits(&view).await;
        page.assert_accessible(&view).await;
    }
}

async fn theme(_site: Site, page: Page) {
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    page.theme("light").await;
    page.go("/admin").await;
    page.until("document.querySelector('#username') !== null").await;
    assert_eq!(page.eval(ground).await, "rgb(247, 246, 243)");
    page.theme("dark").await;
    assert_eq!(page.eval(ground).await, "rgb(19, 23, 26)");
}

/// The names of the words that are in one language's file alone; both are loaded by now.
const SAME_KEYS: &str = "Promise.all(performance.getEntriesByType('resource').map((r) => r.name)
    .filter((name) => /\\/lang\\/(fr|en)\\./.test(name)).map((name) => import(name))).then(([one, other]) => {
      const keys = (o, at = '') => Object.entries(o).flatMap(([k, v]) =>
        v && typeof v === 'object' ? keys(v, `${at}${k}.`) : [`${at}${k}`]);
      const [a, b] = [keys(one.default), keys(other.default)];
      window.differing = [...a.filter((k) => !b.includes(k)), ...b.filter((k) => !a.includes(k))];
    }) && null";

async fn languages(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({}));
    page.sign_in().await;
    page.says(".summary p", "1 demande").await;
    assert_eq!(page.eval("document.documentElement.lang").await, "fr");
    page.click(".account-button").await;
    page.click(".menu button[lang=en]").await;
    page.says(".summary p", "1 lead").await;
    page.eval(SAME_KEYS).await;
    let differing = page.until("window.differing").await;
    assert_eq!(differing, json!([]), "words that one language lacks");
    page.reload().await;
    page.says(".summary p", "1 lead").await;
    assert_eq!(page.eval("document.documentElement.lang").await, "en");
    page.eval("localStorage.clear()").await;
    page.languages("de-DE,en-GB").await;
    page.reload().await;
    page.says(".summary p", "1 lead").await;
    page.languages("de-DE").await;
    page.reload().await;
    page.says(".summary p", "1 demande").await;
}

async fn figures(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({}));
    let id = site.post(&json!({ "service": "cabines" }));
    site.run(&["lead", "set-status", &id, "processing"], "");
    page.sign_in().await;
    page.go("/admin/figures").await;
    page.says(".tiles", "Demandes reçues2").await;
    page.click(".card summary").await;
    page.until("document.querySelectorAll('.table-scroller tbody tr').length === 30").await;
    page.says(".table-scroller tbody tr:first-child td", "2").await;
    page.says(".shares tr", "Cabines150 %").await;
    page.says(".shares tr", "En cours150 %").await;
    page.until(
        "document.querySelector('.chart').getAttribute('aria-label').includes('2 au total')",
    )
    .await;
}

/// All leads are of today: the longer period has the same sum and the same best day.
async fn longer_period(site: Site, page: Page) {
    site.add_staff("claire");
    site.post(&json!({}));
    page.sign_in().await;
    page.go("/admin/figures?period=7d").await;
    let last_bar = "(() => {
        const over = document.querySelector('.chart .u-over');
        const box = over?.getBoundingClientRect();
        over?.dispatchEvent(new MouseEvent('mouseenter'));
        over?.dispatchEvent(new MouseEvent('mousemove', { clientX: box.right - 5, clientY: box.top + 50 }));
        return document.querySelector('.told').textContent.endsWith('1 demande');
    })()";
    page.until(last_bar).await;
    page.choose(".page-filters select", "30d").await;
    page.until("document.querySelectorAll('.table-scroller tbody tr').length === 30").await;
    page.until(last_bar).await;
}
