import { AppError } from "@windshift/contract/app-error.ts";
import type { Registry } from "prom-client";

/** A client that sends or reads nothing is let go after this, s. */
const IDLE_S_MAX = 10;

export interface MetricsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Answers `/healthz` (200, or 503 and what stands still) and `/metrics` in the text format of Prometheus. Asks nobody who they
 * are: what it tells names no run, no repository and no secret, and it listens where only the monitoring reaches.
 * @throws AppError `invalid_input` when the address cannot be had
 */
export function startMetricsServer(options: {
  host: string;
  port: number;
  registry: Registry;
  problem: () => string | undefined;
}): MetricsServer {
  const { host, port, registry, problem } = options;
  try {
    const server = Bun.serve({
      hostname: host,
      port,
      idleTimeout: IDLE_S_MAX,
      maxRequestBodySize: 0,
      routes: {
        "/healthz": {
          GET: () => {
            const why = problem();
            const body = why === undefined ? { status: "ok" } : { status: "stuck", problem: why };
            return Response.json(body, { status: why === undefined ? 200 : 503 });
          },
        },
        "/metrics": {
          GET: async () =>
            new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } }),
        },
      },
      fetch: () => new Response("there is /healthz and /metrics\n", { status: 404 }),
    });
    return { port: server.port ?? port, stop: () => server.stop(true) };
  } catch (cause) {
    throw new AppError(
      "invalid_input",
      `WSRUNNER_METRICS_PORT: cannot listen on ${host}:${port} (${(cause as Error).message}); choose another port, or another WSRUNNER_METRICS_HOST`,
      { cause },
    );
  }
}
