/** A request as it left the server for a provider or a forge. */
export interface Recorded {
  method: string;
  path: string;
  /** One line each, but for the credential, which stands by itself. */
  headers: string;
  credential: string | null;
  body: string;
}

export interface RecordingProxy {
  readonly url: string;
  readonly requests: readonly Recorded[];
  stop(): Promise<void>;
}

/** Answers say nothing of these when they are passed on: their bytes are unpacked here, and their length is another. */
const OF_THE_CONNECTION = ["content-encoding", "content-length", "transfer-encoding", "connection"];

/**
 * Stands before another server and keeps what it is asked.
 * @param targetOf root of the server that gets a request, without a slash at its end
 */
export function startRecordingProxy(targetOf: (request: Recorded) => string): RecordingProxy {
  const requests: Recorded[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 120,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      const recorded = record(request, pathname + search, body);
      requests.push(recorded);
      const headers = new Headers(request.headers);
      headers.delete("host");
      const method = request.method;
      const sent = method === "GET" || method === "HEAD" ? null : body;
      const to = targetOf(recorded) + pathname + search;
      const answer = await fetch(to, { method, headers, body: sent, redirect: "manual" });
      const told = new Headers(answer.headers);
      for (const name of OF_THE_CONNECTION) told.delete(name);
      return new Response(answer.body, { status: answer.status, headers: told });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, requests, stop: () => server.stop(true) };
}

function record(request: Request, path: string, body: Uint8Array): Recorded {
  const { authorization, ...rest } = Object.fromEntries(request.headers);
  return {
    method: request.method,
    path,
    headers: Object.entries(rest)
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n"),
    credential: authorization ?? null,
    body: Buffer.from(body).toString("utf8"),
  };
}
