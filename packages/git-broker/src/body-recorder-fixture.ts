/** What passed a recorder on its way up. */
export interface RecordedPost {
  path: string;
  bytes: number;
  sha256: string;
}

/** Stands before a server, passes everything on, and keeps count of the bodies that are sent to it. For tests only. */
export interface BodyRecorder {
  /** Where to send what should reach `target`. */
  origin: string;
  /** POSTs whose body has passed whole. */
  posts: RecordedPost[];
  stop(): Promise<void>;
}

/** @param target origin of the server behind it */
export function startBodyRecorder(target: string): BodyRecorder {
  const posts: RecordedPost[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 4 * 1024 ** 3,
    fetch: async (request) => {
      const url = new URL(request.url);
      const headers = new Headers(request.headers);
      for (const name of ["host", "connection", "content-length", "transfer-encoding"]) headers.delete(name);
      const reply = await fetch(`${target}${url.pathname}${url.search}`, {
        method: request.method,
        headers,
        redirect: "manual",
        ...{ decompress: false, timeout: false },
        ...(request.body === null ? {} : { body: recorded(request.body, url.pathname, posts) }),
      });
      return new Response(reply.body, { status: reply.status, headers: reply.headers });
    },
  });
  return { origin: `http://127.0.0.1:${server.port}`, posts, stop: () => server.stop(true) };
}

function recorded(
  body: ReadableStream<Uint8Array>,
  path: string,
  posts: RecordedPost[],
): ReadableStream<Uint8Array> {
  const hash = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        hash.update(chunk);
        bytes += chunk.length;
        controller.enqueue(chunk);
      },
      flush() {
        posts.push({ path, bytes, sha256: hash.digest("hex") });
      },
    }),
  );
}
