import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can be cut, as by a train in a tunnel or a server that is started anew. */
export interface CutLink {
  url: string;
  /** Ends every connection; new ones are refused until `mend`. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Connections that were made so far. */
  readonly connections: number;
  close(): Promise<void>;
}

/**
 * Listens on a free loopback port and passes on every byte both ways.
 * @param target address of the server, such as `http://127.0.0.1:8080`
 */
export async function openCutLink(target: string): Promise<CutLink> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let connections = 0;
  const create = () =>
    createServer((near) => {
      connections++;
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  const listen = async (server: ReturnType<typeof create>, at: number) => {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(at, "127.0.0.1", resolve);
    });
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : at;
  };
  let server = create();
  const ownPort = await listen(server, 0);
  const cut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${ownPort}`,
    cut,
    mend: async () => {
      server = create();
      await listen(server, ownPort);
    },
    get connections() {
      return connections;
    },
    close: cut,
  };
}
