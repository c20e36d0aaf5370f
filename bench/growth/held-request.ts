/** What a held connection tells; all of it as it comes. */
export interface HeldEvents {
  /** Bytes as text, one character a byte. */
  data(text: string): void;
  /** The other end closed it. */
  closed(): void;
}

/** A connection that is kept open for long: thousands of these cost the measuring process little. */
export interface HeldRequest {
  send(text: string): void;
  close(): void;
}

/** @returns once the connection stands */
export async function holdRequest(port: number, events: HeldEvents): Promise<HeldRequest> {
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => events.data(bytes.toString("latin1")),
      close: () => events.closed(),
      error: () => events.closed(),
    },
  });
  return {
    send: (text) => {
      if (socket.write(text) !== text.length) throw new Error("a request did not fit into the socket");
    },
    close: () => socket.terminate(),
  };
}
