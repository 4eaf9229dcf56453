// Servers that misbehave, and relays before the real one.
import { createServer, type AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import type { FastCore } from "./server";

/** A server that treats each connection as it is told, by its number; `seen` are their times. */
export async function listen(t: TestContext, treat: (number: number, client: Socket) => void) {
  const seen: number[] = [];
  const open = new Set<Socket>();
  const listener = createServer((client) => {
    open.add(client);
    client.on("error", () => {});
    treat(seen.push(Date.now()), client);
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => listener.once("listening", ready));
  t.after(() => {
    for (const socket of open) socket.destroy();
    listener.close();
  });
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, seen };
}

/** Connects a client with the real server. */
export function upstream(server: FastCore, client: Socket): Socket {
  const socket = new Socket().connect(server.port, "127.0.0.1");
  socket.on("error", () => client.destroy());
  client.on("close", () => socket.destroy());
  client.pipe(socket);
  return socket;
}

/** Answers whatever comes in with a fixed response. */
export const answer = (head: string, body: string) => (client: Socket) =>
  client.once("data", () =>
    client.end(`HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`),
  );

/** A relay that keeps back every response until `pass`; `stored` is when the first one has come. */
export async function holdBack(t: TestContext, server: FastCore) {
  let holds = true;
  let first = () => {};
  const stored = new Promise<void>((resolve) => (first = resolve));
  const { url } = await listen(t, (_, client) => {
    const socket = upstream(server, client);
    if (holds) socket.once("data", first);
    else socket.pipe(client);
  });
  return { url, stored, pass: () => void (holds = false) };
}
