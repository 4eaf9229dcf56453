// Made by .ci/clients. Without a base URL the client would only work in a page of the server.
module.exports = {
  fastcore: {
    input: "../build/openapi.json",
    output: { target: "../build/orval/generated/client.ts", client: "fetch", baseUrl: process.env.FASTCORE_URL },
  },
};
