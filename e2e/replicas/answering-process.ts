import { TrustedProxies } from "../../apps/server/src/http/trusted-proxies.ts";
import { listen } from "../../apps/server/src/listen.ts";

/**
 * The listener of the server, behind it a bit of work instead of the product, as a program of its own: `bun answering-process.ts PORT`.
 * It prints a line when it listens, and ends on SIGTERM as a server does.
 */
const WORK_MS = 2;

const listener = listen({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  proxies: new TrustedProxies(["127.0.0.1"]),
  hasPeers: true,
  fetch: async (request) => {
    // Meanwhile others wait in the kernel for their turn.
    const startedMs = performance.now();
    while (performance.now() - startedMs < WORK_MS);
    return Response.json({ sent: await request.text() });
  },
});
process.on("SIGTERM", () => void listener.stop().then(() => process.exit()));
process.stdout.write("listens\n");
