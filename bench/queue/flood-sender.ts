import { randomBytes } from "node:crypto";
import { z } from "zod";

/**
 * A host that floods: half claims and half events of a run that it does not hold, at its pace whatever the answers are. A process of its
 * own that writes bytes to sockets, so that it takes little from the cores that it shares with the server. Reads one line, `Flood`, and
 * prints what came of it when its input ends.
 */
export const Flood = z.object({
  /** Where it is sent. */
  url: z.url(),
  credential: z.string(),
  boot: z.string(),
  perSecond: z.number(),
  /** A server that is slower than the flood is not sent more. */
  openMax: z.int(),
});
export type Flood = z.infer<typeof Flood>;

export const FloodCount = z.object({
  sent: z.int(),
  refused: z.int(),
  answered: z.int(),
  /** How long it was sent, ms. */
  forMs: z.number(),
});
export type FloodCount = z.infer<typeof FloodCount>;

/** Time between looks at how many are due, ms. */
const TICK_MS = 4;
/** Before a connection that could not be opened is tried again, ms. */
const RECONNECT_MS = 20;

interface Connection {
  /** Undefined while there is none. */
  socket: Bun.Socket<undefined> | undefined;
  /** An answer is on its way. */
  busy: boolean;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const input = Bun.stdin.stream().pipeThrough(new TextDecoderStream()).getReader();
  const flood = Flood.parse(JSON.parse((await input.read()).value ?? ""));
  const count = { sent: 0, refused: 0, answered: 0 };
  const connections = await connectAll(flood, count);
  const startedMs = performance.now();
  let due = 0;
  const ticker = setInterval(() => {
    const until = ((performance.now() - startedMs) / 1_000) * flood.perSecond;
    for (; due < until; due++) {
      const free = connections.find(({ socket, busy }) => socket !== undefined && !busy);
      if (free === undefined) continue;
      free.busy = true;
      free.socket?.write(count.sent++ % 2 === 0 ? claimBytes(flood) : eventBytes(flood));
    }
  }, TICK_MS);
  await input.read();
  clearInterval(ticker);
  const counted: FloodCount = { ...count, forMs: performance.now() - startedMs };
  process.stdout.write(`${JSON.stringify(counted)}\n`);
  process.exit(0);
}

type Answers = Pick<FloodCount, "answered" | "refused">;

async function connectAll({ url, openMax }: Flood, count: Answers): Promise<Connection[]> {
  const connections = Array.from({ length: openMax }, (): Connection => ({ socket: undefined, busy: false }));
  await Promise.all(connections.map((connection) => connect(connection, new URL(url), count)));
  return connections;
}

/** A server that closes a connection gets another one: who floods does not go away. Answers are short: each comes in one piece. */
async function connect(connection: Connection, { hostname, port }: URL, count: Answers): Promise<void> {
  const data = (_: unknown, bytes: Buffer) => {
    if (bytes.toString("latin1", 0, 5) !== "HTTP/") return;
    count.answered++;
    if (bytes.toString("latin1", 9, 12) === "429") count.refused++;
    connection.busy = false;
  };
  const open = (socket: Bun.Socket<undefined>) => void Object.assign(connection, { socket, busy: false });
  const close = (socket: Bun.Socket<undefined>) => {
    if (connection.socket !== socket) return;
    connection.socket = undefined;
    void reopen();
  };
  // What goes wrong with a connection closes it.
  const error = (socket: Bun.Socket<undefined>) => socket.terminate();
  const reopen = async (): Promise<void> => {
    const socket = { open, data, close, error };
    await Bun.connect<undefined>({ hostname, port: Number(port), socket }).catch(async () => {
      await Bun.sleep(RECONNECT_MS);
      await reopen();
    });
  };
  await reopen();
}

function claimBytes(flood: Flood): string {
  const wish = { claim_key: nonce(), api_url: `${flood.url}/api`, isolation: "container" };
  const state = { boot: flood.boot, version: "0.1.0", capacity: 1, labels: [] };
  return post(flood, "/claim?wait=0s", { ...state, ...wish });
}

function eventBytes(flood: Flood): string {
  const events = [{ seq: 1, at: new Date().toISOString(), type: "stdout", data: { text: "flood" } }];
  return post(flood, "/runs/1/events", { attempt: 1, events });
}

function post({ url, credential, boot }: Flood, path: string, body: object): string {
  const text = JSON.stringify(body);
  return [
    `POST /api/runner${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    `X-Windshift-Boot: ${boot}`,
    `Authorization: Bearer ${credential}`,
    "",
    text,
  ].join("\r\n");
}

function nonce(): string {
  return randomBytes(16).toString("hex");
}
