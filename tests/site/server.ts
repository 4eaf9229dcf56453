// The built binary for a test, on a port and in a folder of its own.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

export const TOKEN = "0123456789abcdef0123456789abcdef0123456789abcdef";
const BINARY = path.resolve(process.env.FASTCORE_BINARY ?? "target/debug/fastcore");

/** A port on which nothing listens, below those that the system gives to outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const placeholder = createServer().listen(port, "127.0.0.1");
    const isFree = await new Promise((result) =>
      placeholder.once("listening", () => result(true)).once("error", () => result(false)),
    );
    await new Promise((closed) => placeholder.close(closed));
    if (isFree) return port;
  }
}

export class FastCore {
  readonly folder = mkdtempSync(path.join(tmpdir(), "fastcore-site-"));
  private child: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async start(t: TestContext): Promise<FastCore> {
    const server = await FastCore.absent(t);
    await server.serve();
    return server;
  }

  /** A server that does not run yet, on a port where nothing listens. */
  static async absent(t: TestContext): Promise<FastCore> {
    const server = new FastCore(await freePort());
    t.after(() => {
      server.child?.kill("SIGKILL");
      rmSync(server.folder, { recursive: true });
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async serve(): Promise<void> {
    const child = spawn(BINARY, ["serve"], {
      cwd: this.folder,
      env: { FASTCORE_SITE_INGEST_TOKEN: TOKEN, FASTCORE_LISTEN: `127.0.0.1:${this.port}` },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child = child;
    const lines = createInterface(child.stderr);
    const said: string[] = [];
    await new Promise<void>((listening, failed) => {
      lines.on("line", (line) => {
        said.push(line);
        if (line.includes("FASTCore is listening")) listening();
      });
      child.once("exit", () => failed(new Error(said.join("\n"))));
    });
  }

  /** Runs a command beside the server; what it prints. */
  run(...words: string[]): string {
    return execFileSync(BINARY, words, { cwd: this.folder, encoding: "utf8", env: {}, stdio: "pipe" });
  }

  /** The `details_json` of every audit row. */
  details(): { ip_hash?: string }[] {
    const sql = "SELECT json_group_array(json(details_json)) FROM audit_log WHERE event = 'LEAD_RECEIVED'";
    return JSON.parse(execFileSync("sqlite3", ["fastcore.db", sql], { cwd: this.folder, encoding: "utf8" }));
  }

  /** The whole of a stored lead. */
  lead(requestId: string): { message: string } {
    return JSON.parse(this.run("lead", "show", requestId, "--json"));
  }

  leads(): { name: string; request_id: string }[] {
    return JSON.parse(this.run("lead", "list", "--json"));
  }
}
