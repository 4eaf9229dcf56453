// client.mjs agent|fetch URL PAUSE:TIMES...: sends leads with Node's http.Agent or with undici's fetch, one
// connection for each pause, and then 25 MB.
import { randomUUID } from "node:crypto";
import http from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch } from "undici";

const { version } = createRequire(import.meta.url)("undici/package.json");

const [kind, url, ...lanes] = process.argv.slice(2);
const headers = { authorization: `Bearer ${process.env.FASTCORE_TOKEN}`, "content-type": "application/json" };

const clients = {
  agent: {
    name: `Node ${process.version} http.Agent`,
    open: () => new http.Agent({ keepAlive: true, maxSockets: 1 }),
    post: (agent, body) =>
      new Promise((resolve, reject) => {
        const request = http.request(`${url}/inbound/leads`, { agent, method: "POST", headers }, (response) => {
          response.resume();
          response.on("end", () => resolve({ status: response.statusCode, reused: request.reusedSocket }));
          response.on("error", reject);
        });
        request.on("error", reject);
        request.end(body);
      }),
  },
  fetch: {
    name: `undici ${version} fetch`,
    open: () => new Agent({ connections: 1 }),
    post: async (dispatcher, body) => {
      const response = await fetch(`${url}/inbound/leads`, { dispatcher, method: "POST", headers, body });
      await response.arrayBuffer();
      return { status: response.status };
    },
  },
};
const client = clients[kind];

const lead = () =>
  JSON.stringify({
    name: "Jean Dupont",
    email: "jean@example.com",
    message: "Mon compresseur ne démarre plus depuis hier.",
    consent: true,
    meta: {
      source: "fast-techservices.com",
      request_id: randomUUID(),
      ip_hash: "abc123def456",
      timestamp_utc: "2026-01-03T10:30:45Z",
    },
  });

const failures = [];
let [sent, reused] = [0, 0];
async function post(connection, body, expected, when) {
  sent += 1;
  try {
    const answer = await client.post(connection, body);
    reused += answer.reused ? 1 : 0;
    if (answer.status !== expected) failures.push(`${when}: ${answer.status}`);
  } catch (error) {
    failures.push(`${when}: ${error.cause ?? error}`);
  }
}

async function lane(text) {
  const [pause, times] = text.split(":").map(Number);
  const connection = client.open();
  await post(connection, lead(), 201, "first");
  for (let i = 0; i < times; i++) {
    await sleep(pause * 1000);
    await post(connection, lead(), 201, `after ${pause} s`);
  }
  connection.destroy();
}

await Promise.all(lanes.map(lane));
for (let i = 0; i < 3; i++) await post(client.open(), "x".repeat(25e6), 413, "25 MB");
const note = kind === "agent" ? `, ${reused} on a connection used before` : "";
console.log(`${client.name}: ${sent} requests${note}, ${failures.length} failed`);
if (failures.length > 0) {
  console.log(failures.slice(0, 10).join("\n"));
  process.exit(1);
}
process.exit(0);
