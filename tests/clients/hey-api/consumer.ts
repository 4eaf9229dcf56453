import assert from "node:assert/strict";
import { createClient } from "../build/hey-api/generated/client";
import { sendLead } from "../build/hey-api/generated/sdk.gen";
import type { LeadResponse } from "../build/hey-api/generated/types.gen";
import { lead, TOKEN, URL } from "../lead";

async function main() {
  const client = createClient({ baseUrl: URL, auth: TOKEN });
  const stored = await sendLead({ client, body: lead() });
  assert.equal(stored.response?.status, 201);
  const response: LeadResponse | undefined = stored.data;
  assert.match(response?.receipt ?? "", /^[1-9][0-9]*:[0-9a-f]{64}$/);

  const { error } = await sendLead({ client, body: { ...lead(), name: "J" } });
  assert.ok(error?.error === "validation_error");
  const [field] = error.detail;
  assert.deepEqual(field?.loc, ["body", "name"]);
  assert.equal(field?.msg, "String should have at least 2 characters");

  // @ts-expect-error there is no such service
  await sendLead({ client, body: { ...lead(), service: "ascenseurs" } });
}

void main();
