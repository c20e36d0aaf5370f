import { connect, createServer, type Server, type Socket } from "node:net";

/** What the way to the provider does with bytes. `drop`: they vanish, in both directions, and nobody is told. */
export type WayState = "pass" | "drop" | "refuse";

/** A TCP proxy on loopback that a test can cut, as a network does: a host that is gone does not say so. */
export async function startTcpProxy(targetUrl: string) {
  const target = Number(new URL(targetUrl).port);
  const near = new Set<Socket>();
  const far = new Set<Socket>();
  let state: WayState = "pass";
  const server: Server = createServer((caller) => {
    caller.on("error", () => {});
    if (state === "refuse") return void caller.resetAndDestroy();
    near.add(caller);
    caller.on("close", () => void near.delete(caller));
    if (state === "drop") return; // accepted by the kernel, answered by nobody
    const provider = connect({ port: target, host: "127.0.0.1" });
    provider.on("error", () => {});
    far.add(provider);
    provider.on("close", () => void far.delete(provider));
    caller.on("close", () => void (state === "pass" && provider.destroy()));
    pass(caller, provider);
    pass(provider, caller);
  });
  const pass = (from: Socket, to: Socket) => {
    from.on("data", (bytes) => void (state === "pass" && to.write(bytes)));
    from.on("end", () => void (state === "pass" && to.end()));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** Connections from the broker that are open. */
    open: () => near.size,
    set: (next: WayState) => {
      state = next;
    },
    /** Ends the broker's connections without a word to the provider. */
    reset: () => {
      for (const socket of near) socket.resetAndDestroy();
    },
    close: () => {
      for (const socket of [...near, ...far]) socket.destroy();
      server.close();
    },
  };
}
