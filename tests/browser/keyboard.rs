//! Moving through the leads with the keyboard. What works without a mouse at all is in `inbox`.

use libtest_mimic::Trial;

use crate::case;
use crate::driver::{ARROW_DOWN, ARROW_UP, Page};
use crate::server::TestServer;

pub(crate) fn cases() -> Vec<Trial> {
    vec![
        case("keyboard::the_row_of_the_open_lead_left_the_window", row_in_sight),
        case("keyboard::the_button_to_an_older_lead_left_its_row_behind", older_button),
        case("keyboard::caps_lock_and_arrow_keys_did_nothing", caps_lock_and_arrows),
    ]
}

/// Whether the row of the open lead is in sight.
const IN_SIGHT: &str = "(() => {
    const list = document.querySelector('.list-scroller').getBoundingClientRect();
    const row = document.querySelector('a.lead-row[aria-current]')?.getBoundingClientRect();
    return Boolean(row) && row.top >= list.top && row.bottom <= list.bottom;
})()";

async fn older_button(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(20);
    page.sign_in().await;
    page.click("a.lead-row").await;
    for number in (1..=20).rev() {
        page.wait_for_text(".lead h1", &format!("Personne {number:03}")).await;
        page.wait_until(IN_SIGHT).await;
        if number > 1 {
            page.click(".lead-toolbar a[aria-label='Plus ancienne']").await;
        }
    }
    assert!(!page.exists(".lead-toolbar a[aria-label='Plus ancienne']").await);
}

async fn row_in_sight(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(70);
    page.sign_in().await;
    page.click("a.lead-row").await;
    // Beyond the first page of 50 as well.
    for number in (10..70).rev() {
        page.wait_for_text(".lead h1", &format!("Personne {:03}", number + 1)).await;
        if number % 6 == 0 {
            page.wait_until(IN_SIGHT).await;
        }
        page.press('j').await;
    }
    page.wait_for_text(".lead h1", "Personne 010").await;
    page.wait_until(IN_SIGHT).await;
    for number in 11..30 {
        page.press('k').await;
        page.wait_for_text(".lead h1", &format!("Personne {number:03}")).await;
    }
    page.wait_until(IN_SIGHT).await;
}

async fn caps_lock_and_arrows(server: TestServer, page: Page) {
    server.add_staff("claire");
    server.post_leads(3);
    page.sign_in().await;
    let focused = "document.activeElement.querySelector?.('.lead-row-name')?.textContent";
    for (key, name) in [
        ('J', "Personne 003"),
        ('J', "Personne 002"),
        (ARROW_DOWN, "Personne 001"),
        (ARROW_UP, "Personne 002"),
        ('K', "Personne 003"),
    ] {
        page.press(key).await;
        page.wait_until(&format!("{focused} === '{name}'")).await;
    }
    page.press('E').await;
    page.wait_for_text("dialog h2", "Exporter").await;
}
