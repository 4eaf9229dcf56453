import assert from "node:assert/strict";
import { sendLead } from "../build/orval/generated/client";
import { lead, TOKEN } from "../lead";

async function main() {
  const options = { headers: { Authorization: `Bearer ${TOKEN}` } };
  const stored = await sendLead(lead(), options);
  assert.ok(stored.status === 201);
  assert.match(stored.data.receipt, /^[1-9][0-9]*:[0-9a-f]{64}$/);

  const refused = await sendLead({ ...lead(), name: "J" }, options);
  assert.ok(refused.status === 422);
  const [field] = refused.data.detail;
  assert.deepEqual(field?.loc, ["body", "name"]);
  assert.equal(field?.msg, "String should have at least 2 characters");

  // @ts-expect-error there is no such service
  await sendLead({ ...lead(), service: "ascenseurs" }, options);
}

void main();
