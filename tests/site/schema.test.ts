// The schema has the server's rules and the server's names for what breaks them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { check } from "recheck";
import ts from "typescript";
import { LeadForm } from "./next/lib/lead-schema";
import { FastCore, TOKEN } from "./server";
import { form, kept, submit } from "./support";

/** Texts at every edge of the rules; in each field, schema and server must agree. */
const TEXTS = [
  "", " ", "\u0085", "\ufeff", "a", "ab", " ab\n", "\ta b\u3000", "\u0085ab\u2028", "a\tb", "a\nb",
  "a\u2028b", "a\u0085b", "a\u0000b", "\u0000", "a\u007fb", "a\u200bb", "\ud800ab", "ab\udfff", "🚗", "🚗🚗",
  "ponts", " autre ", "Ponts", "e\u0301", "a\r\nb", "x".repeat(19), "x\n".repeat(10), "🚗".repeat(20),
  ...[19, 20, 30, 31, 80, 81, 120, 121, 2000, 2001].flatMap((n) => ["é".repeat(n), "🚗".repeat(n), ` ${"x".repeat(n)} `]),
];
const OTHERS = [null, undefined, true, false, 0, 1, [], {}, ["ab"]];
const ADDRESSES = [
  "jean@example.com", " jean@example.com\n", "JEAN@EXAMPLE.COM", "é@exämple.fr", "a@例。jp", "a@b.c", "a b@c.de",
  "jean@localhost", "@example.com", "jean@", "a@b@c.de", `${"x".repeat(64)}@example.com`, "jean@example.com\u0000",
  `${"x".repeat(50)}@${"d".repeat(57)}.example.com`, `${"x".repeat(50)}@${"d".repeat(58)}.example.com`,
];

test("the schema takes what the server takes, keeps what it keeps, and names faults as it does", async (t) => {
  const server = await FastCore.start(t);
  const post = (lead: Record<string, unknown>, request_id: string) => {
    const meta = { source: "test", request_id, ip_hash: "x", timestamp_utc: "2026-01-03T10:30:45Z" };
    return fetch(`${server.url}/inbound/leads`, {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ...lead, meta }),
    });
  };
  let compared = 0;
  for (const field of Object.keys(LeadForm.shape)) {
    for (const value of [...TEXTS, ...OTHERS, ...(field === "email" ? ADDRESSES : [])]) {
      const [lead, id] = [form({ [field]: value }), randomUUID()];
      const parsed = LeadForm.safeParse(lead);
      const response = await post(lead, id);
      const what = `${field} = ${JSON.stringify(value)?.slice(0, 80)}: ${response.status}`;
      if (parsed.success) {
        // The server knows more of addresses than the schema: it may refuse what the schema takes.
        if (field === "email" && response.status === 422) continue;
        assert.equal(response.status, 201, what);
        // A replay and not a conflict: what the schema makes of it is what the server stored.
        assert.equal((await post(parsed.data, id)).status, 200, what);
      } else if (field === "consent" && value === false) {
        // The site asks for consent, and the server records whether it was given.
        assert.deepEqual([parsed.error.issues[0]?.message, response.status], ["consent_required", 201]);
      } else {
        assert.equal(response.status, 422, what);
        const { detail } = (await response.json()) as { detail: { loc: string[]; type: string }[] };
        const faults = parsed.error.issues.map((it) => [it.path.join("."), it.message]);
        assert.deepEqual(faults, detail.map((it) => [it.loc.slice(1).join("."), it.type]), what);
      }
      compared++;
    }
  }
  assert.ok(compared > 400, `${compared}`);
});

test("faults are reported field by field, the schema's and the server's", async (t) => {
  const server = await FastCore.start(t);
  kept(t);
  const wrong = form({ name: " J ", email: "jean", message: "court", consent: false, service: "ascenseurs", phone: "0".repeat(31) });
  const given = await submit(wrong, server.url);
  assert.equal(given.status, 422);
  assert.deepEqual(given.body.errors, {
    name: { type: "string_too_short", limit: 2 },
    email: { type: "value_error" },
    phone: { type: "string_too_long", limit: 30 },
    service: { type: "enum" },
    message: { type: "string_too_short", limit: 20 },
    consent: { type: "consent_required" },
  });
  // What only the server knows.
  const address = await submit(form({ email: "jean@-example.com" }), server.url);
  assert.deepEqual([address.status, address.body.errors], [202, { email: { type: "value_error" } }]);
  assert.deepEqual(server.leads(), []);
});

/** Every regular expression in the sample's sources. */
function expressions(folder: string): { where: string; pattern: string; flags: string }[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).flatMap((entry) => {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (!/\.tsx?$/.test(entry.name) || file.includes("node_modules")) return [];
    const found: { where: string; pattern: string; flags: string }[] = [];
    const visit = (node: ts.Node) => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf("/");
        found.push({ where: file, pattern: node.text.slice(1, end), flags: node.text.slice(end + 1) });
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest));
    return found;
  });
}

test("no regular expression takes more than linear time", async () => {
  const found = expressions("next");
  assert.ok(found.length > 5);
  const old = await check(String.raw`^[^@]+@[^@]+[.。．｡][^@]+$`, "u");
  assert.equal(old.status, "vulnerable", "the check finds what was wrong before");
  for (const { where, pattern, flags } of found) {
    const found = await check(pattern, flags);
    const isLinear = found.status === "safe" && ["safe", "linear"].includes(found.complexity.type);
    assert.ok(isLinear, `${where}: /${pattern}/${flags}: ${found.status}`);
  }
});
