import type { Context } from "hono";

/** Shorter answers go as they are, bytes: they fit into a packet or two either way. */
const COMPRESS_BYTES_MIN = 2_048;

/**
 * An answer compressed where the caller takes that. Only for answers that carry no secret of the caller and nothing that the
 * same request brought: the length of others could tell what is in them.
 */
export async function compressedReply<T extends Response>(c: Context, reply: T): Promise<T> {
  if (!/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) return reply;
  const body = await reply.arrayBuffer();
  const headers = new Headers(reply.headers);
  headers.append("vary", "accept-encoding");
  const long = body.byteLength >= COMPRESS_BYTES_MIN;
  if (long) headers.set("content-encoding", "gzip");
  // Of the same type: what it says is the same.
  return new Response(long ? Bun.gzipSync(body) : body, { status: reply.status, headers }) as T;
}
