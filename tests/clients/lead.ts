// What every TypeScript client sends, in the plain form of the API.
import { randomUUID } from "node:crypto";

export const URL = process.env.FASTCORE_URL ?? "";
export const TOKEN = process.env.FASTCORE_TOKEN ?? "";

export const lead = () => ({
  name: "Zoé Dupont",
  email: "zoe@example.com",
  service: "diagnostic" as const,
  message: "Mon compresseur ne démarre plus depuis hier.",
  consent: true,
  meta: {
    source: "fast-techservices.com",
    request_id: randomUUID(),
    ip_hash: "abc123def456",
    timestamp_utc: new Date().toISOString(),
  },
});
