import { byteStream, chunksOf } from "./byte-stream.ts";
import type { GitGrant } from "./git-grant.ts";
import { gitProtocol } from "./git-protocol.ts";
import type { GitService } from "./git-upstream.ts";
import { type PktFrame, PktReader, pktLine } from "./pkt-line.ts";
import { isPushCapability } from "./push-capabilities.ts";
import { NOT_LIVE, refusal } from "./refusal.ts";
import { passedOn } from "./upstream-reply.ts";

/** Answers `info/refs`. What receive-pack offers is cut to what the broker takes. */
export async function advertise(request: Request, service: GitService, grant: GitGrant): Promise<Response> {
  if (!(await grant.isLive())) return refusal(403, NOT_LIVE);
  const pushing = service === "git-receive-pack";
  const reply = await grant.upstream.advertise(
    service,
    pushing ? undefined : gitProtocol(request),
    request.signal,
  );
  return passedOn(reply, `application/x-${service}-advertisement`, async () => {
    if (!pushing) return reply.body;
    const chunks = chunksOf(reply.body);
    const head = await readHead(chunks);
    return head === undefined ? undefined : byteStream(withHead(head, chunks));
  });
}

/** The service line, its flush and the first ref, which carries the capabilities; then what was read beyond them. */
async function readHead(chunks: AsyncGenerator<Uint8Array, void>): Promise<Uint8Array | undefined> {
  const reader = new PktReader();
  const frames: PktFrame[] = [];
  for (let chunk = await chunks.next(); !chunk.done; chunk = await chunks.next()) {
    reader.push(chunk.value);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      frames.push(frame.kind === "data" ? { ...frame, payload: frame.payload.slice() } : frame);
      if (frame.kind === "bad") return undefined;
      if (frames.length === 3) return rewriteHead(frames, reader.held());
    }
  }
  return undefined;
}

function rewriteHead([service, flush, first]: PktFrame[], rest: Uint8Array): Uint8Array | undefined {
  if (service?.kind !== "data" || flush?.kind !== "flush" || first?.kind !== "data") return undefined;
  const line = Buffer.from(first.payload).toString("latin1").replace(/\n$/, "");
  const [ref = "", offered = ""] = line.split("\0");
  const kept = offered.split(" ").filter(isPushCapability).join(" ");
  return Buffer.concat([
    pktLine(service.payload),
    Buffer.from("0000"),
    pktLine(Buffer.from(`${ref}\0${kept}\n`, "latin1")),
    rest,
  ]);
}

async function* withHead(
  head: Uint8Array,
  rest: AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  yield head;
  yield* rest;
}
