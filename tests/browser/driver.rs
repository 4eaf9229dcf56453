//! Drives one Chromium per case over WebDriver, as a person would use it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::process_output::read_lines;
use crate::server::PASSWORD;

pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const ESCAPE: char = '\u{e00c}';
pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ARROW_UP: char = '\u{e013}';
pub(crate) const ARROW_DOWN: char = '\u{e015}';

/// Longer than anything takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

const AXE: &str = include_str!("vendor/axe-core-4.14.1/axe.min.js");

/// A running chromedriver.
pub(crate) struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    /// Several attempts: it takes a free port of IPv6, and exits if that is in use on IPv4.
    pub(crate) fn start() -> Self {
        (0..5).find_map(|_| Self::try_start()).expect("chromedriver starts and prints its port")
    }

    fn try_start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("chromedriver and Chromium are installed");
        let output = read_lines(process.stdout.take().expect("a pipe"));
        let mut driver = Self { process, url: String::new() };
        let port = std::iter::from_fn(|| output.recv_timeout(Duration::from_secs(30)).ok())
            .find_map(|line| {
                let (_, port) = line.split_once("successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })?;
        driver.url = format!("http://127.0.0.1:{port}");
        Some(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser window with the admin page.
#[derive(Clone)]
pub(crate) struct Page {
    client: Client,
    origin: String,
}

/// A WebDriver command specific to Chromium.
#[derive(Debug)]
struct ChromiumCommand {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for ChromiumCommand {
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
                         "--disable-background-networking", "--disable-component-update", "--no-first-run",
                         "--host-resolver-rules=MAP leads.example 127.0.0.1"],
                "prefs": { "intl.accept_languages": "fr-FR" },
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.url).await;
        let page = Self { client: client.expect("Chromium starts"), origin: origin.to_owned() };
        page.resize(1440, 900).await;
        page
    }

    pub(crate) async fn close(self) {
        let _ = self.client.close().await;
    }

    /// Opens a path of the server.
    pub(crate) async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.origin)).await.expect("the page loads");
    }

    /// Opens an empty page, so that the next `goto` loads the page again.
    pub(crate) async fn goto_blank(&self) {
        self.client.goto("about:blank").await.expect("the page loads");
    }

    pub(crate) async fn sign_in(&self) {
        self.sign_in_as("claire").await;
    }

    pub(crate) async fn sign_in_as(&self, name: &str) {
        self.goto("/admin").await;
        self.fill("#username", name).await;
        self.fill("#password", PASSWORD).await;
        self.press(ENTER).await;
        self.wait_until("document.querySelector('.list-summary p')?.textContent").await;
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.expect("the history has an entry");
    }

    /// Opens another tab and switches to it; the other tabs stay open.
    pub(crate) async fn open_tab(&self) {
        let tab = self.client.new_window(true).await.expect("a new tab");
        self.client.switch_to_window(tab.handle).await.expect("the tab exists");
    }

    /// Closes the tab and switches to the first one.
    pub(crate) async fn close_tab(&self) {
        self.client.close_window().await.expect("the tab closes");
        self.switch_to_first_tab().await;
    }

    /// Switches to the first tab.
    pub(crate) async fn switch_to_first_tab(&self) {
        let tabs = self.client.windows().await.expect("tabs");
        self.client.switch_to_window(tabs[0].clone()).await.expect("the tab exists");
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.expect("the page loads");
    }

    /// The current path with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("a URL");
        url.as_str().strip_prefix(&self.origin).expect("a page of the server").to_owned()
    }

    pub(crate) async fn title(&self) -> String {
        self.client.title().await.expect("a title")
    }

    /// Evaluates a JavaScript expression in the page.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_eval(&self, expression: &str) -> Result<Value, CmdError> {
        self.client.execute(&format!("return ({expression})"), vec![]).await
    }

    /// Evaluates a JavaScript expression whose value is a promise.
    pub(crate) async fn resolve(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; ({expression}).then(done, (error) => done(String(error)))"
        );
        self.client.execute_async(&script, vec![]).await.expect("the script runs")
    }

    /// Waits until the promise of a JavaScript expression has the value true.
    pub(crate) async fn wait_until_resolved(&self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.resolve(expression).await != true {
            assert!(Instant::now() < end, "timeout waiting for: {expression}");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Waits until a JavaScript expression is truthy, and returns its value.
    pub(crate) async fn wait_until(&self, expression: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let value = self.try_eval(expression).await.unwrap_or_default();
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" {
                return value;
            }
            if Instant::now() > end {
                let text = self.eval("document.body.innerText").await;
                let log = self.chromium_command("se/log", json!({ "type": "browser" })).await;
                panic!("timeout waiting for: {expression}\npage: {text}\nconsole: {log}");
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Waits until an element contains the text.
    pub(crate) async fn wait_for_text(&self, css: &str, text: &str) {
        let (css, text) = (json!(css), json!(text));
        self.wait_until(&format!(
            "[...document.querySelectorAll({css})].some((e) => e.textContent.replaceAll('\\u00a0', ' ').includes({text}))"
        ))
        .await;
    }

    pub(crate) async fn wait_for_path(&self, path: &str) {
        let own = "location.pathname + location.search + location.hash";
        self.wait_until(&format!("{own} === {}", json!(path))).await;
    }

    /// The texts of all matching elements, in document order.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let all =
            format!("[...document.querySelectorAll({})].map((e) => e.textContent)", json!(css));
        serde_json::from_value(self.eval(&all).await).expect("texts")
    }

    pub(crate) async fn exists(&self, css: &str) -> bool {
        self.eval(&format!("document.querySelector({}) !== null", json!(css))).await == true
    }

    pub(crate) async fn click(&self, css: &str) {
        self.with_element(css, async |element| element.click().await).await;
    }

    /// Selects an option of a `<select>` by its value.
    pub(crate) async fn select(&self, css: &str, value: &str) {
        self.with_element(css, async |element| element.select_by_value(value).await).await;
    }

    /// Replaces the value of a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let replace = async |element: Element| {
            element.clear().await?;
            element.send_keys(text).await
        };
        self.with_element(css, replace).await;
    }

    /// Does something with the first matching element, again with its successor if the page replaces it meanwhile.
    async fn with_element(&self, css: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        for _ in 0..20 {
            self.wait_until(&format!("document.querySelector({}) !== null", json!(css))).await;
            let done = match self.client.find(Locator::Css(css)).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => return,
                Err(error) if error.is_stale_element_reference() || error.is_no_such_element() => {}
                Err(error) => panic!("{css}: {error}"),
            }
        }
        panic!("{css} is replaced again and again");
    }

    /// Presses a key; it goes to the focused element.
    pub(crate) async fn press(&self, key: char) {
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await.expect("the key is pressed");
    }

    pub(crate) async fn type_keys(&self, text: &str) {
        for key in text.chars() {
            self.press(key).await;
        }
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.resize_zoomed(width, height, 1).await;
    }

    /// A window of this size, in which the browser shows everything `zoom` times as large.
    pub(crate) async fn resize_zoomed(&self, width: u32, height: u32, zoom: u32) {
        let metrics = json!({
            "width": width / zoom, "height": height / zoom, "deviceScaleFactor": zoom, "mobile": false,
        });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// A screen that is touched, without a mouse.
    pub(crate) async fn emulate_touch(&self) {
        let touch = json!({ "enabled": true, "maxTouchPoints": 5 });
        self.cdp("Emulation.setTouchEmulationEnabled", touch).await;
    }

    /// On how many sheets Chromium prints the page.
    pub(crate) async fn printed_sheets(&self) -> usize {
        let pdf = self.cdp("Page.printToPDF", json!({})).await;
        let count = "return atob(arguments[0]).match(/\\/Type \\/Page\\n/g).length";
        let sheets = self.client.execute(count, vec![pdf["data"].clone()]).await.expect("a PDF");
        sheets.as_u64().expect("a number").try_into().expect("a number of sheets")
    }

    /// Text twice as large, as the browser's settings have it.
    pub(crate) async fn double_text_size(&self) {
        self.eval("(document.documentElement.style.fontSize = '200%') && null").await;
    }

    /// Switches to the print style sheet.
    pub(crate) async fn emulate_print(&self) {
        self.cdp("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
    }

    /// Delays every response from now on, after the server has sent it.
    pub(crate) async fn delay_responses(&self, milliseconds: u32) {
        let script = "const [delay] = arguments;
            window.originalFetch ??= window.fetch;
            window.fetch = async (...request) => {
              const response = await window.originalFetch(...request);
              (window.answered ??= []).push(String(request[0]));
              await new Promise((resolve) => setTimeout(resolve, delay));
              return response;
            };";
        self.client.execute(script, vec![json!(milliseconds)]).await.expect("the script runs");
    }

    /// Sets the color scheme of the system: `dark` or `light`.
    pub(crate) async fn emulate_theme(&self, name: &str) {
        self.emulate_feature("prefers-color-scheme", name).await;
    }

    /// Sets a media feature, such as `forced-colors`.
    pub(crate) async fn emulate_feature(&self, name: &str, value: &str) {
        let feature = json!({ "name": name, "value": value });
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
    }

    pub(crate) async fn accept_languages(&self, tags: &str) {
        let agent = self.eval("navigator.userAgent").await;
        let settings = json!({ "userAgent": agent, "acceptLanguage": tags });
        self.cdp("Emulation.setUserAgentOverride", settings).await;
    }

    pub(crate) async fn clear_http_cache(&self) {
        self.cdp("Network.clearBrowserCache", json!({})).await;
    }

    /// Empties the cache, and makes the network and the processor as slow as those of a phone: the presets "Slow 4G"
    /// and "4× slowdown" of Chromium's developer tools.
    pub(crate) async fn emulate_slow_phone(&self) {
        self.clear_http_cache().await;
        self.cdp("Network.setBypassServiceWorker", json!({ "bypass": true })).await;
        let network = json!({
            "offline": false, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375,
        });
        self.cdp("Network.emulateNetworkConditions", network).await;
        self.cdp("Emulation.setCPUThrottlingRate", json!({ "rate": 4 })).await;
    }

    /// Answers for the person when the page asks whether it may notify them: `granted` or `denied`.
    pub(crate) async fn grant_notifications(&self, setting: &str) {
        let permission = json!({ "name": "notifications" });
        let answer = json!({ "permission": permission, "setting": setting, "origin": self.origin });
        self.cdp("Browser.setPermission", answer).await;
    }

    /// Clicks with the mouse, where an element's middle is not what is meant.
    pub(crate) async fn click_at(&self, x: f64, y: f64) {
        for (kind, button) in
            [("mouseMoved", "none"), ("mousePressed", "left"), ("mouseReleased", "left")]
        {
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.cdp("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Moves a finger across the screen.
    pub(crate) async fn swipe(&self, from: (i32, i32), to: (i32, i32)) {
        let middle = (i32::midpoint(from.0, to.0), i32::midpoint(from.1, to.1));
        let began = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let touch = |kind: &str, points: &[(i32, i32)], moment: u8| {
            let points: Vec<Value> =
                points.iter().map(|(x, y)| json!({ "x": x, "y": y })).collect();
            // As fast as a finger, however long the commands take.
            let seconds = began.as_secs_f64() + 0.1 * f64::from(moment);
            json!({ "type": kind, "touchPoints": points, "timestamp": seconds })
        };
        for event in [
            touch("touchStart", &[from], 0),
            touch("touchMove", &[middle], 1),
            touch("touchMove", &[to], 2),
            touch("touchEnd", &[], 3),
        ] {
            self.cdp("Input.dispatchTouchEvent", event).await;
        }
    }

    /// Runs a script in every page that is opened from now on, before its own.
    pub(crate) async fn run_first(&self, script: &str) {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    pub(crate) async fn download_to(&self, folder: &std::path::Path) {
        let settings = json!({ "behavior": "allow", "downloadPath": folder });
        self.cdp("Browser.setDownloadBehavior", settings).await;
    }

    async fn cdp(&self, cmd: &str, params: Value) -> Value {
        let body = json!({ "cmd": cmd, "params": params });
        self.chromium_command("goog/cdp/execute", body).await
    }

    async fn chromium_command(&self, path: &'static str, body: Value) -> Value {
        self.client
            .issue_cmd(ChromiumCommand { path, body })
            .await
            .expect("Chromium supports the command")
    }

    /// Asserts that axe-core finds no violation of WCAG 2.2 AA or of best practice.
    pub(crate) async fn assert_accessible(&self, view: &str) {
        self.client.execute(AXE, vec![]).await.expect("axe-core loads");
        let run = "const done = arguments[0];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { preload: false, runOnly: tags }).then((result) => done({
              passes: result.passes.length,
              violations: result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`),
            }));";
        let found = self.client.execute_async(run, vec![]).await.expect("axe-core runs");
        assert!(
            found["passes"].as_u64() > Some(10),
            "{view}: axe-core checked too little: {found}"
        );
        assert_eq!(found["violations"], json!([]), "{view}");
    }

    pub(crate) async fn assert_no_horizontal_scroll(&self, view: &str) {
        let widths = self.eval("[document.documentElement.scrollWidth, innerWidth]").await;
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{view} scrolls sideways: {widths}");
    }

    /// Asserts that no request went to another host, and that the console has no errors except for
    /// network errors: Chromium logs every response of 400 and more and every closed connection.
    pub(crate) async fn assert_no_errors(&self) {
        let log = self.chromium_command("se/log", json!({ "type": "performance" })).await;
        let mut requests = 0;
        for entry in log.as_array().expect("a log") {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())
                .expect("an event");
            let Some(url) = event["message"]["params"]["request"]["url"].as_str() else { continue };
            requests += 1;
            let allowed = url.starts_with(&self.origin) || url.starts_with("data:");
            assert!(allowed, "request to another origin: {url}");
        }
        assert!(requests > 5, "the log of requests is empty");
        let log = self.chromium_command("se/log", json!({ "type": "browser" })).await;
        for entry in log.as_array().expect("a log") {
            // Of every page that is neither HTTPS nor on a loopback address.
            let is_insecure_host = entry["message"].as_str().is_some_and(|message| {
                message.contains("The Cross-Origin-Opener-Policy header has been ignored")
            });
            assert!(entry["source"] == "network" || is_insecure_host, "console error: {entry}");
        }
    }
}
