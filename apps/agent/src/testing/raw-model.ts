import { createServer, type Server, type Socket } from "node:net";

/** Answers one request with whatever it writes to the socket. */
export type RawAnswer = (socket: Socket, request: { body: string; count: number }) => void;

/** A model API that speaks HTTP by hand, to say what no proper server would. Connections are used again when the client does. */
export class RawModel implements AsyncDisposable {
  connections = 0;
  requests = 0;
  private readonly sockets = new Set<Socket>();
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(answer: RawAnswer): Promise<RawModel> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const model = new RawModel(server, `http://127.0.0.1:${address.port}`);
    server.on("connection", (socket) => model.serve(socket, answer));
    return model;
  }

  /** Ends every connection there is. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private serve(socket: Socket, answer: RawAnswer): void {
    this.connections++;
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}); // a client that leaves
    socket.on("close", () => this.sockets.delete(socket));
    let held = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (let request = requestIn(held); request !== undefined; request = requestIn(held)) {
        held = held.subarray(request.end);
        answer(socket, { body: request.body, count: ++this.requests });
      }
    });
  }
}

/** The first whole request, and where it ends. */
function requestIn(bytes: Buffer): { body: string; end: number } | undefined {
  const head = bytes.indexOf("\r\n\r\n");
  if (head === -1) return undefined;
  const length = /content-length: *(\d+)/i.exec(bytes.toString("latin1", 0, head))?.[1] ?? "0";
  const end = head + 4 + Number(length);
  return bytes.length < end ? undefined : { body: bytes.toString("utf8", head + 4, end), end };
}

/** A whole answer whose end the client knows by its length. */
export function answerOf(body: string | Uint8Array, type = "application/json", status = 200): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([head(status, type, `content-length: ${bytes.length}`), bytes]);
}

/** The beginning of an answer in chunks. */
export function streamHead(type = "text/event-stream"): Buffer {
  return head(200, type, "transfer-encoding: chunked");
}
/** One chunk of an answer that was begun by `streamHead`; empty bytes end the answer. */
export function httpChunk(body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
export const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function head(status: number, type: string, framing: string): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} Words\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n`);
}

/** One event of a stream. */
export function sse(data: object | string): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}
