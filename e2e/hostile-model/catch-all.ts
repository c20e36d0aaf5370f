/** What reached an address of an attacker's, in the order it came. */
export interface CatchAll {
  /** The same for TCP and UDP, on every address of this machine. */
  readonly port: number;
  /** One entry a connection or datagram: who sent it and what. A connection counts when it is made. */
  readonly heard: readonly { from: string; text: string }[];
  stop(): void;
}

/** Both kinds of socket must get the same number; somebody else may have one of them. */
const TRIES_MAX = 20;

/**
 * Listens on every address of the machine, for TCP and UDP on one free port.
 * @throws Error when no port is free for both in TRIES_MAX tries
 */
export async function startCatchAll(): Promise<CatchAll> {
  for (let tries = 1; ; tries++) {
    try {
      return await listenOnce();
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
    }
  }
}

async function listenOnce(): Promise<CatchAll> {
  const heard: { from: string; text: string }[] = [];
  const hostname = "0.0.0.0";
  const tcp = Bun.listen<{ from: string; text: string }>({
    hostname,
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { from: `tcp ${socket.remoteAddress}`, text: "" };
        heard.push(socket.data);
      },
      data: (socket, bytes) => {
        socket.data.text += bytes.toString("utf8");
      },
    },
  });
  try {
    const udp = await Bun.udpSocket({
      hostname,
      port: tcp.port,
      socket: {
        data: (_, bytes, __, address) =>
          void heard.push({ from: `udp ${address}`, text: Buffer.from(bytes).toString("utf8") }),
      },
    });
    const stop = () => {
      tcp.stop(true);
      udp.close();
    };
    return { port: tcp.port, heard, stop };
  } catch (error) {
    tcp.stop(true);
    throw error;
  }
}
