import { createServer, type Server, type Socket } from "node:net";
import { chunk } from "./llm-broker.fixture.ts";

type Ending = "reset" | "half_line" | "clean_without_done" | "document";

/** A provider that speaks HTTP by hand, to end its reply in ways a proper server does not. A stream waits for `cut`. */
export async function startRawProvider(ending: Ending) {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      if (ending === "document") {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"choices":[',
        );
        return;
      }
      socket.write(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
      );
      socket.write(httpChunk(chunk("one")));
      if (ending === "half_line") socket.write(httpChunk(chunk("two").slice(0, 48)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => {
      for (const socket of sockets) {
        if (ending === "reset") socket.resetAndDestroy();
        else socket.end(ending === "clean_without_done" ? "0\r\n\r\n" : "");
      }
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function httpChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
