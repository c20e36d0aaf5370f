import { connect, type Socket } from "node:net";

/** How a caller behaves: of ten, one reads slowly and one leaves in the middle. */
export type CallerKind = "slow" | "leaver" | "reader";

/** What became of the calls, and the first few that ended in a way they should not. */
export interface SoakCount {
  /** Under way now. */
  open: number;
  whole: number;
  left: number;
  /** Ended by the end of the soak. */
  stopped: number;
  bad: string[];
}

/** A slow caller reads one piece of at most 64 KiB in this time, ms. */
const SLOW_READ_MS = 500;
/** Bytes after which a leaver leaves: somewhere in a steady stream of some 4 KB. */
const LEAVE_BYTES_MAX = 3_000;
const BAD_KEPT = 5;

/** Calls one after the other on connections of their own, until `signal`. */
export async function callUntil(
  port: number,
  request: Buffer,
  kind: CallerKind,
  count: SoakCount,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) await callOnce(port, request, kind, count, signal);
}

function callOnce(
  port: number,
  request: Buffer,
  kind: CallerKind,
  count: SoakCount,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket: Socket = connect({ port, host: "127.0.0.1" });
  const leaveAt = kind === "leaver" ? 300 + Math.random() * LEAVE_BYTES_MAX : Number.POSITIVE_INFINITY;
  const startedMs = performance.now();
  let bytes = 0;
  let head = "";
  let tail = "";
  count.open++;
  const end = (how: () => void) => {
    count.open--;
    signal.removeEventListener("abort", stop);
    socket.removeAllListeners();
    socket.on("error", () => {});
    socket.destroy();
    how();
    resolve();
  };
  const fail = (why: string) =>
    end(() => {
      const tookMs = Math.round(performance.now() - startedMs);
      if (count.bad.length < BAD_KEPT)
        count.bad.push(`${kind}, after ${bytes} bytes and ${tookMs} ms: ${why} ${head} … ${tail}`);
      else count.bad.splice(BAD_KEPT, 1, "and more");
    });
  const stop = () => end(() => void count.stopped++);
  signal.addEventListener("abort", stop, { once: true });
  socket.on("connect", () => socket.write(request));
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("the connection was closed"));
  socket.on("data", (piece) => {
    bytes += piece.length;
    const text = piece.toString("latin1");
    if (head.length < 100) head = (head + text).slice(0, 100);
    tail = (tail + text).slice(-200);
    if (!head.startsWith("HTTP/1.1 200".slice(0, head.length))) return fail("not 200");
    if (tail.includes("[DONE]")) return end(() => void count.whole++);
    if (tail.endsWith("\r\n0\r\n\r\n")) return fail("no end mark");
    if (bytes >= leaveAt) return end(() => void count.left++);
    if (kind !== "slow") return;
    socket.pause();
    setTimeout(() => socket.resume(), SLOW_READ_MS);
  });
  return promise;
}
