import assert from "node:assert/strict";
import { Configuration, LeadsApi, RefusedValidationErrorResponseFromJSON, ResponseError } from "../build/typescript-fetch/generated";
import { lead, TOKEN, URL } from "../lead";

/** This generator turns `request_id` into `requestId` and times into Date. */
function request(name: string) {
  const { meta, ...rest } = lead();
  return {
    ...rest,
    name,
    meta: { source: meta.source, requestId: meta.request_id, ipHash: meta.ip_hash, timestampUtc: new Date() },
  };
}

async function main() {
  const api = new LeadsApi(new Configuration({ basePath: URL, accessToken: TOKEN }));
  const stored = await api.sendLeadRaw({ leadRequest: request("Zoé Dupont") });
  assert.equal(stored.raw.status, 201);
  assert.match((await stored.value()).receipt, /^[1-9][0-9]*:[0-9a-f]{64}$/);

  const refused = await api.sendLead({ leadRequest: request("J") }).catch((error: unknown) => error);
  assert.ok(refused instanceof ResponseError && refused.response.status === 422);
  const { error, detail, kept } = RefusedValidationErrorResponseFromJSON(await refused.response.json());
  assert.equal(error, "validation_error");
  assert.equal(kept, true);
  const [field] = detail;
  assert.deepEqual(field?.loc, ["body", "name"]);
  assert.equal(field?.msg, "String should have at least 2 characters");
}

void main();
