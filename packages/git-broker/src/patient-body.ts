import { byteStream, chunksOf } from "./byte-stream.ts";
import { BodyRefused } from "./refusal.ts";

/** Silence in the middle of a request body after which it is given up, ms. A slow line is never silent this long. */
export const BODY_IDLE_MS_MAX = 60_000;

/**
 * The same request, its body given up when nothing of it comes for `idleMsMax`. Only the wait for the client counts, so a
 * push may take hours, and may wait for the upstream.
 */
export function withIdleLimit(request: Request, idleMsMax: number): Request {
  if (request.body === null) return request;
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body: byteStream(limited(request.body, idleMsMax)) });
}

async function* limited(
  body: ReadableStream<Uint8Array>,
  idleMsMax: number,
): AsyncGenerator<Uint8Array, void> {
  const chunks = chunksOf(body);
  for (;;) {
    const chunk = await inTime(chunks.next(), idleMsMax);
    if (chunk === undefined) {
      void chunks.return();
      throw new BodyRefused(400, `nothing more came for ${idleMsMax / 1_000} s`);
    }
    if (chunk.done) return;
    yield chunk.value;
  }
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
