import { byteStream, chunksOf } from "./byte-stream.ts";
import type { GitGrant } from "./git-grant.ts";
import { gitProtocol } from "./git-protocol.ts";
import { BodyRefused, NOT_LIVE, refusal } from "./refusal.ts";
import { passedOn } from "./upstream-reply.ts";

/**
 * What a client may say in one fetch, unpacked, bytes: room for half a million `want` and `have` lines. Gzip shrinks
 * such text to a half at best, so a body that unpacks to more is not a fetch.
 */
export const FETCH_BODY_BYTES_MAX = 32 * 1_048_576;

/** Answers a fetch. git packs request bodies over 1 KiB with gzip; the upstream gets them plain. */
export async function uploadPack(request: Request, grant: GitGrant): Promise<Response> {
  const body = plainBody(request);
  if (body === undefined) return refusal(415, "a fetch is sent plain or as gzip");
  if (!(await grant.isLive())) return refusal(403, NOT_LIVE);
  try {
    const reply = await grant.upstream.rpc(
      "git-upload-pack",
      byteStream(capped(body)),
      gitProtocol(request),
      request.signal,
    );
    return await passedOn(reply, "application/x-git-upload-pack-result", async () => reply.body);
  } catch (error) {
    if (error instanceof BodyRefused) return refusal(error.status, error.message);
    throw error;
  }
}

function plainBody(request: Request): ReadableStream<Uint8Array> | undefined {
  if (
    request.headers.get("content-type") !== "application/x-git-upload-pack-request" ||
    request.body === null
  )
    return undefined;
  switch (request.headers.get("content-encoding")?.toLowerCase() ?? "identity") {
    case "identity":
      return request.body;
    case "gzip":
    case "x-gzip":
      return request.body.pipeThrough(new DecompressionStream("gzip"));
    default:
      return undefined;
  }
}

async function* capped(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  try {
    for await (const chunk of chunksOf(body)) {
      bytes += chunk.length;
      if (bytes > FETCH_BODY_BYTES_MAX) throw new BodyRefused(413, "a fetch request over 32 MiB");
      yield chunk;
    }
  } catch (error) {
    throw error instanceof BodyRefused
      ? error
      : new BodyRefused(400, "the request body broke off or is not gzip");
  }
}
