// A client made by others from the document: openapi-typescript's types under openapi-fetch.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi";
import { FastCore, TOKEN } from "./server";

test("a generated client posts a lead and is told what is wrong with another", async (t) => {
  const server = await FastCore.start(t);
  const client = createClient<paths>({
    baseUrl: server.url,
    headers: { Authorization: `Bearer ${TOKEN}` },
  });
  const body: components["schemas"]["LeadRequest"] = {
    name: "Jean Dupont",
    email: "jean@example.com",
    service: "diagnostic",
    message: "Mon compresseur ne démarre plus depuis hier",
    consent: true,
    meta: {
      source: "fast-techservices.com",
      request_id: randomUUID(),
      ip_hash: "abc123def456",
      timestamp_utc: new Date().toISOString(),
    },
  };
  const stored = await client.POST("/inbound/leads", { body });
  assert.equal(stored.response.status, 201);
  assert.equal(stored.data?.status, "received");
  server.run("audit", "verify", "--receipt", stored.data.receipt);

  const refused = await client.POST("/inbound/leads", { body: { ...body, name: "J" } });
  assert.equal(refused.response.status, 422);
  assert.ok(refused.error && Array.isArray(refused.error.detail));
  assert.deepEqual(refused.error.detail[0]?.loc, ["body", "name"]);

  // @ts-expect-error the document has no such service
  const wrong: typeof body = { ...body, service: "ascenseurs" };
  assert.equal((await client.POST("/inbound/leads", { body: wrong })).response.status, 422);

  const health = await client.GET("/health");
  assert.equal(health.data?.status, "ok");
});
