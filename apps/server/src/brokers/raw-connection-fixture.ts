import { connect, type Socket } from "node:net";
import { eventually } from "@windshift/testing/eventually.ts";

/** One connection to a server, written to by hand and kept alive between requests, as git's is. For tests only. */
export class RawConnection {
  private said = "";
  ended = false;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes) => {
      this.said += bytes.toString("latin1");
    });
    socket.on("close", () => {
      this.ended = true;
    });
    socket.on("error", () => undefined);
  }

  static open(url: URL): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => resolve(new RawConnection(socket)));
      socket.once("error", reject);
    });
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Bytes as one chunk of a body without a length. */
  writeChunk(bytes: Uint8Array): void {
    this.write(`${bytes.length.toString(16)}\r\n`);
    this.write(bytes);
    this.write("\r\n");
  }

  /** Waits for the answer to the request of this number, the first being 1. */
  answer(number: number): Promise<{ status: number; text: string }> {
    return eventually(`answer ${number} is there`, () => this.answers()[number - 1]);
  }

  close(): void {
    this.socket.destroy();
  }

  /** What has come whole so far. */
  private answers(): { status: number; text: string }[] {
    return this.said
      .split(/(?=HTTP\/1\.1 \d{3} )/)
      .filter((text) => text.startsWith("HTTP/1.1 ") && isWhole(text))
      .map((text) => ({ status: Number(text.slice(9, 12)), text }));
  }
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)\r$/im.exec(answer.slice(0, end + 2))?.[1];
  if (length !== undefined) return answer.length - end - 4 >= Number(length);
  return /^transfer-encoding: chunked\r$/im.test(answer.slice(0, end + 2))
    ? answer.endsWith("0\r\n\r\n")
    : true;
}
