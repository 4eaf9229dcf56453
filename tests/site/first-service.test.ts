// The table of docs/migration-from-fastapi.md, row by row: what the first service answered (its own models under
// Pydantic), and what the binary answers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { FastCore, TOKEN } from "./server";

type Json = { [name: string]: Json | string | number | boolean | null };

const document = (name: string) => readFileSync(path.resolve("../..", name), "utf8");

/** Changes members, as a JSON merge patch does. */
function merge(lead: Json, change: Json): Json {
  const merged = { ...lead };
  for (const [name, value] of Object.entries(change)) {
    merged[name] = value !== null && typeof value === "object" ? merge(merged[name] as Json, value) : value;
  }
  return merged;
}

test("each body is answered as the table says, by the first service and by FASTCore", async (t) => {
  const lead: Json = JSON.parse(/-d '(\{[^']+\})'/.exec(document("README.md"))![1]!);
  const [, section] = document("docs/migration-from-fastapi.md").split("## Bodies that are answered differently\n");
  const lines = section!.split("\n## ")[0]!.split("\n").filter((line) => line.startsWith("| `"));
  const rows = lines.map((line) => line.split("|").slice(1, 4).map((cell) => cell.trim().replaceAll("`", "")));
  assert.ok(rows.length > 10);
  const bodies = rows.map(([change]) => merge(lead, JSON.parse(change!)));
  const python = process.env.FIRST_SERVICE_PYTHON ?? "python3";
  const output = execFileSync(python, ["first-service/model.py"], { input: JSON.stringify(bodies), encoding: "utf8" });
  const before: number[] = JSON.parse(output);

  const server = await FastCore.start(t);
  for (const [index, [change, first, here]] of rows.entries()) {
    const meta = bodies[index]!.meta as Json;
    if (meta.request_id === (lead.meta as Json).request_id) meta.request_id = randomUUID();
    const response = await fetch(`${server.url}/inbound/leads`, {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify(bodies[index]),
    });
    const { detail } = (await response.json()) as { detail?: { type: string }[] };
    const said = [response.status, ...(detail ?? []).map((it) => it.type)].join(" ");
    assert.deepEqual([`${before[index]}`, said], [first, here], change);
  }
});
