//! A Chromium of its own for each case, and what a person does with it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::site::{PASSWORD, lines};

pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const ESCAPE: char = '\u{e00c}';
pub(crate) const TAB: char = '\u{e004}';

const AXE: &str = include_str!("vendor/axe-core-4.14.1/axe.min.js");

/// A running chromedriver.
pub(crate) struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("chromedriver and Chromium are installed");
        let said = lines(process.stdout.take().expect("a pipe"));
        let port = std::iter::from_fn(|| said.recv_timeout(Duration::from_secs(30)).ok())
            .find_map(|line| {
                let (_, port) = line.split_once("successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })
            .expect("chromedriver says its port");
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser window that looks at the admin page.
#[derive(Clone)]
pub(crate) struct Page {
    client: Client,
    origin: String,
}

/// A command of Chromium's own, beside those of the standard.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Page {
    pub(crate) async fn open(driver: &Driver, origin: &str) -> Self {
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,900",
                         "--disable-background-networking", "--disable-component-update", "--no-first-run"],
                "prefs": { "intl.accept_languages": "fr-FR" },
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.url).await;
        let page = Self { client: client.expect("Chromium starts"), origin: origin.to_owned() };
        page.size(1440, 900).await;
        page
    }

    pub(crate) async fn close(self) {
        let _ = self.client.close().await;
    }

    /// Goes to an address within the server.
    pub(crate) async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.origin)).await.expect("it opens");
    }

    /// Looks at nothing, so that the next address is opened anew.
    pub(crate) async fn leave(&self) {
        self.client.goto("about:blank").await.expect("it opens");
    }

    pub(crate) async fn sign_in(&self) {
        self.go("/admin").await;
        self.fill("#username", "claire").await;
        self.fill("#password", PASSWORD).await;
        self.press(ENTER).await;
        self.until("document.querySelector('.summary p')?.textContent").await;
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.expect("there is a way back");
    }

    /// Opens another tab and goes there; the tabs before stay open.
    pub(crate) async fn another_tab(&self) {
        let tab = self.client.new_window(true).await.expect("a tab");
        self.client.switch_to_window(tab.handle).await.expect("it is there");
    }

    /// Looks at the first tab again.
    pub(crate) async fn first_tab(&self) {
        let tabs = self.client.windows().await.expect("tabs");
        self.client.switch_to_window(tabs[0].clone()).await.expect("it is there");
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.expect("it opens");
    }

    pub(crate) async fn address(&self) -> String {
        let url = self.client.current_url().await.expect("an address");
        url.as_str().strip_prefix(&self.origin).expect("our own").to_owned()
    }

    pub(crate) async fn title(&self) -> String {
        self.client.title().await.expect("a title")
    }

    /// What an expression is in the page.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_eval(&self, expression: &str) -> Result<Value, CmdError> {
        self.client.execute(&format!("return ({expression})"), vec![]).await
    }

    /// Waits until an expression is true, and answers what it is.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let value = self.try_eval(expression).await.unwrap_or_default();
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" {
                return value;
            }
            if Instant::now() > end {
                let text = self.eval("document.body.innerText").await;
                let log = self.own("se/log", json!({ "type": "browser" })).await;
                panic!("never true: {expression}\nthe page: {text}\nthe console: {log}");
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Waits until an element says this somewhere.
    pub(crate) async fn says(&self, css: &str, text: &str) {
        let (css, text) = (json!(css), json!(text));
        self.until(&format!(
            "[...document.querySelectorAll({css})].some((e) => e.textContent.replaceAll('\\u00a0', ' ').includes({text}))"
        ))
        .await;
    }

    /// The texts of elements, in order.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let all =
            format!("[...document.querySelectorAll({})].map((e) => e.textContent)", json!(css));
        serde_json::from_value(self.eval(&all).await).expect("texts")
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        self.eval(&format!("document.querySelector({}) !== null", json!(css))).await == true
    }

    pub(crate) async fn click(&self, css: &str) {
        self.until(&format!("document.querySelector({}) !== null", json!(css))).await;
        let element = self.client.find(Locator::Css(css)).await.expect("it is there");
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Chooses an option of a select by its value.
    pub(crate) async fn choose(&self, css: &str, value: &str) {
        let element = self.client.find(Locator::Css(css)).await.expect("it is there");
        element.select_by_value(value).await.expect("an option");
    }

    /// Writes into a field, in place of what it holds.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.until(&format!("document.querySelector({}) !== null", json!(css))).await;
        let element = self.client.find(Locator::Css(css)).await.expect("it is there");
        element.clear().await.expect("a field");
        element.send_keys(text).await.expect("a field");
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: char) {
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await.expect("it takes keys");
    }

    pub(crate) async fn type_keys(&self, text: &str) {
        for key in text.chars() {
            self.press(key).await;
        }
    }

    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chromium("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Lays the page out as for a sheet of paper.
    pub(crate) async fn as_printed(&self) {
        self.chromium("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
    }

    /// From now on the page hears every answer of the server this late.
    pub(crate) async fn hears_late(&self, milliseconds: u32) {
        let late = "const [late] = arguments;
            window.atOnce ??= window.fetch;
            window.fetch = async (...asked) => {
              const answer = await window.atOnce(...asked);
              await new Promise((resolve) => setTimeout(resolve, late));
              return answer;
            };";
        self.client.execute(late, vec![json!(milliseconds)]).await.expect("it runs");
    }

    /// Sets what the system prefers: `dark` or `light`.
    pub(crate) async fn theme(&self, name: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": name });
        self.chromium("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
    }

    pub(crate) async fn languages(&self, tags: &str) {
        let agent = self.eval("navigator.userAgent").await;
        let settings = json!({ "userAgent": agent, "acceptLanguage": tags });
        self.chromium("Emulation.setUserAgentOverride", settings).await;
    }

    pub(crate) async fn download_into(&self, folder: &std::path::Path) {
        let settings = json!({ "behavior": "allow", "downloadPath": folder });
        self.chromium("Browser.setDownloadBehavior", settings).await;
    }

    async fn chromium(&self, cmd: &str, params: Value) {
        let body = json!({ "cmd": cmd, "params": params });
        self.own("goog/cdp/execute", body).await;
    }

    async fn own(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Own { path, body }).await.expect("Chromium does it")
    }

    /// What axe-core finds against WCAG 2.2 AA and good practice; nothing, one hopes.
    pub(crate) async fn assert_accessible(&self, view: &str) {
        self.client.execute(AXE, vec![]).await.expect("axe-core loads");
        let run = "const done = arguments[0];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { preload: false, runOnly: tags }).then((result) => done({
              passes: result.passes.length,
              violations: result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`),
            }));";
        let found = self.client.execute_async(run, vec![]).await.expect("axe-core runs");
        assert!(found["passes"].as_u64() > Some(10), "{view}: axe-core did not look: {found}");
        assert_eq!(found["violations"], json!([]), "{view}");
    }

    pub(crate) async fn assert_fits(&self, view: &str) {
        let widths = self.eval("[document.documentElement.scrollWidth, innerWidth]").await;
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{view} scrolls sideways: {widths}");
    }

    /// No request to another host; no complaint but that of a refusal the page handles: Chromium
    /// notes every answer of 400 and more, and every connection that ends.
    pub(crate) async fn assert_clean(&self) {
        let log = self.own("se/log", json!({ "type": "performance" })).await;
        let mut asked = 0;
        for entry in log.as_array().expect("a log") {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())
                .expect("an event");
            let Some(url) = event["message"]["params"]["request"]["url"].as_str() else { continue };
            asked += 1;
            let ours = url.starts_with(&self.origin) || url.starts_with("data:");
            assert!(ours, "a request left the origin: {url}");
        }
        assert!(asked > 5, "the log of requests is empty");
        let log = self.own("se/log", json!({ "type": "browser" })).await;
        for entry in log.as_array().expect("a log") {
            assert_eq!(entry["source"], "network", "the console says {entry}");
        }
    }
}
