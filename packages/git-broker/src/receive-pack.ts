import type { Oid } from "@windshift/contract/ids.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { byteStream, chunksOf } from "./byte-stream.ts";
import type { GitAudit, GitGrant } from "./git-grant.ts";
import { PushGate, type PushVerdict } from "./push-gate.ts";
import { PushReport } from "./push-report.ts";
import { BodyRefused, NOT_LIVE, refusal } from "./refusal.ts";
import { passedOn } from "./upstream-reply.ts";

type Push = Extract<PushVerdict, { kind: "push" }>;
type Refuse = (status: 400 | 403 | 413 | 415, why: string, refs?: string[]) => Promise<Response>;
type Chunks = AsyncGenerator<Uint8Array, void>;

const RESULT = "application/x-git-receive-pack-result";

/**
 * Answers a push: reads its commands, holds them to the grant, and only then lets the upstream see the first byte.
 * What is forwarded is what was read, unchanged.
 */
export async function receivePack(request: Request, grant: GitGrant, audit: GitAudit): Promise<Response> {
  const refuse: Refuse = async (status, why, refs = []) => {
    await audit.refused({ runId: grant.runId, attempt: grant.attempt, refs, why });
    return refusal(status, why);
  };
  if (request.headers.has("content-encoding")) return refuse(415, "a push is sent without Content-Encoding");
  if (request.headers.get("content-type") !== "application/x-git-receive-pack-request")
    return refuse(415, "not the content type of a push");
  const chunks = chunksOf(request.body ?? new Blob().stream());
  const { verdict, held } = await judge(chunks, new PushGate(grant.ref));
  if (verdict.kind !== "push") await chunks.return();
  switch (verdict.kind) {
    case "malformed":
      return refuse(400, verdict.why, verdict.refs);
    case "forbidden":
      return refuse(403, verdict.why, verdict.refs);
    case "probe":
      return new Response(null, { headers: { "content-type": RESULT, "cache-control": "no-cache" } });
    case "push":
      return (await grant.isLive())
        ? forward(request, grant, verdict, held, chunks, refuse)
        : refuse(403, NOT_LIVE, [grant.ref]);
  }
}

async function judge(chunks: Chunks, gate: PushGate): Promise<{ verdict: PushVerdict; held: Uint8Array[] }> {
  const held: Uint8Array[] = [];
  for (let chunk = await chunks.next(); !chunk.done; chunk = await chunks.next()) {
    held.push(chunk.value);
    const verdict = gate.push(chunk.value);
    if (verdict !== undefined) return { verdict, held };
  }
  return { verdict: gate.end(), held };
}

async function forward(
  request: Request,
  grant: GitGrant,
  push: Push,
  held: Uint8Array[],
  rest: Chunks,
  refuse: Refuse,
): Promise<Response> {
  const giveUp = new AbortController();
  const onGone = () => giveUp.abort();
  request.signal.addEventListener("abort", onGone, { once: true });
  // Once the upstream has the whole pack it will move the ref whoever listens, so then its answer is awaited.
  const sentWhole = () => request.signal.removeEventListener("abort", onGone);
  try {
    const body = byteStream(fenced(grant, held, rest, sentWhole));
    const reply = await grant.upstream.rpc("git-receive-pack", body, undefined, giveUp.signal);
    return await passedOn(reply, RESULT, async () => reportTo(grant, push, reply.body));
  } catch (error) {
    if (error instanceof BodyRefused) return refuse(error.status, error.message, [grant.ref]);
    throw error;
  }
}

/**
 * The push as the upstream gets it. One chunk is always kept back, and the last one goes only after the attempt was
 * found live again: no pack is complete without it, so a zombie's long upload moves no ref.
 */
async function* fenced(grant: GitGrant, held: Uint8Array[], rest: Chunks, sentWhole: () => void): Chunks {
  let bytes = 0;
  let kept: Uint8Array | undefined;
  for await (const chunk of concat(held, rest)) {
    bytes += chunk.length;
    if (bytes > GIT_BODY_BYTES_MAX) throw new BodyRefused(413, "a push over 2 GiB");
    if (kept !== undefined) yield kept;
    kept = chunk;
  }
  if (!(await grant.isLive())) throw new BodyRefused(403, NOT_LIVE);
  sentWhole();
  if (kept !== undefined) yield kept;
}

async function* concat(held: Uint8Array[], rest: Chunks): Chunks {
  yield* held;
  yield* rest;
}

/** Passes the report on, except that its good news waits until the push is recorded. A client that left changes nothing. */
function reportTo(grant: GitGrant, push: Push, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const report = new PushReport(grant.ref, push.sideBand);
  const recorded = (async function* () {
    for await (const chunk of chunksOf(body)) {
      if (report.push(chunk)) await grant.onPushed(push.command.newOid as Oid); // 40 hex digits by the gate
      yield chunk;
    }
  })();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await recorded.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        for (let rest = await recorded.next(); !rest.done; ) rest = await recorded.next();
      },
    },
    { highWaterMark: 0 },
  );
}
