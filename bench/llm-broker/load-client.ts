import type { Socket } from "bun";

const STATUS_LINE = "HTTP/1.1 200 ";
/** Of a stream that is longer, only its first and its last characters are kept. */
const STREAM_CHARS_KEPT = 65_536;

/** One keep-alive connection that sends the same request again and again; as little work as a client can do. */
export class LoadConnection {
  private socket: Socket | undefined;
  private received = "";
  private waiting: PromiseWithResolvers<void> | undefined;
  /** Called for each piece of a reply. */
  onData: (() => void) | undefined;

  constructor(
    private readonly port: number,
    private readonly request: Buffer,
  ) {}

  async open(): Promise<void> {
    this.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.port,
      socket: {
        data: (_, bytes) => this.take(bytes.toString("latin1")),
        error: (_, error) => this.fail(error),
        close: () => this.fail(new Error("the connection was closed")),
        drain: (socket) => this.write(socket),
      },
    });
  }

  /** Sends the request and resolves with the end of its reply. @throws Error unless it is 200 */
  send(): Promise<void> {
    if (this.socket === undefined) throw new Error("the connection is not open");
    this.received = "";
    this.waiting = Promise.withResolvers();
    this.unsent = this.request;
    this.write(this.socket);
    return this.waiting.promise;
  }

  close(): void {
    this.waiting = undefined;
    this.socket?.end();
  }

  private unsent: Buffer = Buffer.alloc(0);

  private write(socket: Socket): void {
    if (this.unsent.length > 0) this.unsent = this.unsent.subarray(socket.write(this.unsent));
  }

  private take(text: string): void {
    this.onData?.();
    const known = this.received;
    this.received =
      known.length > STREAM_CHARS_KEPT
        ? known.slice(0, STATUS_LINE.length) + known.slice(-64) + text
        : known + text;
    if (!isWhole(this.received)) return;
    if (this.received.startsWith(STATUS_LINE)) this.waiting?.resolve();
    else this.fail(new Error(`not a success: ${this.received.slice(0, 500)}`));
  }

  private fail(error: Error): void {
    this.waiting?.reject(error);
  }
}

function isWhole(text: string): boolean {
  if (text.endsWith("\r\n0\r\n\r\n")) return true;
  const head = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text.slice(0, Math.max(0, head)))?.[1];
  return length !== undefined && text.length >= head + 4 + Number(length);
}

/** The bytes of one HTTP request with a body of JSON. */
export function requestBytes(path: string, token: string, body: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(body));
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    `Authorization: Bearer ${token}`,
    "Content-Type: application/json",
    `Content-Length: ${json.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), json]);
}
