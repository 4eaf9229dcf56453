// The app of docs/site-integration.md, built by Next.js in the folder NEXT_APP, and a visitor's browser.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, type TestContext } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { freePort, TOKEN } from "./server";

const APP = path.resolve(process.env.NEXT_APP ?? "../../target/next-app");
let browser: Browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });
});
after(() => browser.close());

/** `next start` on a port of its own. */
export class Site {
  readonly log: string[] = [];
  private child: ChildProcess | undefined;
  private constructor(
    readonly port: number,
    private readonly env: Record<string, string>,
  ) {}

  static async start(t: TestContext, server: { url: string }, changed: Record<string, string> = {}): Promise<Site> {
    const site = new Site(await freePort(), {
      FASTCORE_BASE_URL: server.url,
      FASTCORE_SITE_INGEST_TOKEN: TOKEN,
      CONTACT_HASH_KEY: "a key of the tests, of at least 32 characters",
      FASTCORE_PATIENCE_MS: "3000",
      ...changed,
    });
    t.after(() => site.kill());
    await site.serve();
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async serve(): Promise<void> {
    const next = path.join(APP, "node_modules/next/dist/bin/next");
    const child = spawn(process.execPath, [next, "start", "-H", "127.0.0.1", "-p", `${this.port}`], {
      cwd: APP,
      env: { PATH: process.env.PATH, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", ...this.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    const keep = (data: Buffer) => void this.log.push(...data.toString().split("\n").filter(Boolean));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const from = this.log.length;
    for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt++) {
      // A request that comes before may never be answered.
      if (this.log.slice(from).some((line) => line.includes("Ready in"))) return;
      await new Promise((later) => setTimeout(later, 50));
    }
    throw new Error(`next start: ${this.log.join("\n")}`);
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode) return;
    const ended = new Promise((ended) => child.once("exit", ended));
    child.kill("SIGKILL");
    await ended;
  }

  /** Resident memory in kB. */
  memory(): number {
    return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${this.child?.pid}/status`, "utf8"))?.[1]);
  }

  /** The site's own lines of the log. */
  events(name: string): Record<string, string>[] {
    const lines = this.log.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    return lines.filter((line) => line.event === name);
  }
}

let visitors = 0;

/** A page in a context of its own, from a visitor of its own. */
export async function open(t: TestContext, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const address = `192.0.2.${++visitors}`;
  const context = await browser.newContext({ ...options, extraHTTPHeaders: { "x-forwarded-for": address } });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await page.waitForLoadState("networkidle");
  return page;
}

export const LEAD = {
  name: "Jean Dupont",
  email: "jean@exämple.fr",
  phone: "+33 6 12 34 56 78",
  company: "Garage Dupont",
  message: "Bonjour,\nmon compresseur ne démarre plus depuis hier.",
};

export async function fill(page: Page, changed: Record<string, string> = {}) {
  for (const [name, value] of Object.entries({ ...LEAD, ...changed })) await page.locator(`[name=${name}]`).fill(value);
  await page.locator("[name=service]").selectOption("compresseurs");
  await page.locator("[name=consent]").check();
}

export const send = (page: Page) => page.locator("form button").click();
export const notice = async (page: Page, status: string) => page.locator(`[data-status=${status}]`).textContent();
export const faults = (page: Page) =>
  page.locator("[id$=-fault]").evaluateAll((all) => Object.fromEntries(all.map((it) => [it.id, it.textContent])));
export const values = (page: Page) =>
  page.locator("form").evaluate((form) => {
    const fields = [...new FormData(form as HTMLFormElement)].filter(([name]) => !/^\$|request_id|website/.test(name));
    return Object.fromEntries(fields.map(([name, value]) => [name, `${value}`.replaceAll("\r\n", "\n")]));
  });
export const FILLED = { ...LEAD, service: "compresseurs", consent: "on" };

export const WRONG = { name: "J", email: "jean", phone: "0".repeat(31), company: "x".repeat(121), message: "court" };
