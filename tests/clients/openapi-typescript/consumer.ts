import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "../build/openapi-typescript/generated/schema";
import { lead, TOKEN, URL } from "../lead";

async function main() {
  const client = createClient<paths>({ baseUrl: URL, headers: { Authorization: `Bearer ${TOKEN}` } });
  const stored = await client.POST("/inbound/leads", { body: lead() });
  assert.equal(stored.response.status, 201);
  const receipt: string | undefined = stored.data?.receipt;
  assert.match(receipt ?? "", /^[1-9][0-9]*:[0-9a-f]{64}$/);

  const { error } = await client.POST("/inbound/leads", { body: { ...lead(), name: "J" } });
  // `error` is one of all the errors of the operation; its code says which.
  assert.ok(error?.error === "validation_error");
  const [field] = error.detail;
  assert.deepEqual(field?.loc, ["body", "name"]);
  assert.equal(field.msg, "String should have at least 2 characters");

  // @ts-expect-error there is no such service
  await client.POST("/inbound/leads", { body: { ...lead(), service: "ascenseurs" } });
}

void main();
