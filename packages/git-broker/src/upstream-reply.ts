import type { UpstreamReply } from "./git-upstream.ts";
import { refusal } from "./refusal.ts";

/**
 * The client's answer to an upstream's: the body alone crosses, with the one content type the protocol has for it. An
 * upstream's own errors, headers and pages never do.
 * @param body gives the body to send, or undefined when the upstream's makes no sense
 */
export async function passedOn(
  reply: UpstreamReply,
  contentType: string,
  body: () => Promise<ReadableStream<Uint8Array> | undefined>,
): Promise<Response> {
  if (reply.status !== 200 || reply.contentType !== contentType) {
    await reply.body.cancel();
    const strange = `the repository's host did not answer as a git host does (status ${reply.status})`;
    return refusal(502, reply.sentence ?? strange);
  }
  const stream = await body();
  if (stream === undefined) return refusal(502, "the repository's host sent no list of refs");
  return new Response(stream, { headers: { "content-type": contentType, "cache-control": "no-cache" } });
}
