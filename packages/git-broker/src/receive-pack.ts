import type { Oid } from "@windshift/contract/ids.ts";
import { byteStream, chunksOf } from "./byte-stream.ts";
import { readPushTip } from "./git-advertise.ts";
import type { GitAudit, GitGrant } from "./git-grant.ts";
import { resultType } from "./git-upstream.ts";
import { type Forwarded, forwardedPush, type Judged } from "./push-forward.ts";
import { PushGate, type PushVerdict } from "./push-gate.ts";
import { pushRefusal } from "./push-refusal.ts";
import { PushReport } from "./push-report.ts";
import { BodyRefused, NOT_LIVE, refusal } from "./refusal.ts";
import type { PushTips } from "./shown-tips.ts";
import { passedOn } from "./upstream-reply.ts";

type Push = Extract<PushVerdict, { kind: "push" }>;
type Refuse = (status: 400 | 403 | 413 | 415, why: string, refs?: readonly string[]) => Promise<Response>;
type Chunks = AsyncGenerator<Uint8Array, void>;

/** What a push names as the place of a branch that does not exist. */
const NO_OID = "0".repeat(40);
/** What is read of a refused push so that git gets to read the answer, bytes: git sends all before it looks. */
export const REFUSED_BYTES_MAX = 16 * 1_048_576;

/**
 * Answers a push: reads its commands, holds them to the grant, and only then lets the upstream see the first byte.
 * What is forwarded is what was read, unchanged; its end goes when the pack was looked into and the attempt still lives.
 */
export async function receivePack(
  request: Request,
  grant: GitGrant,
  tips: PushTips,
  audit: GitAudit,
): Promise<Response> {
  const refuse: Refuse = async (status, why, refs = []) => {
    await audit.refused({ runId: grant.runId, attempt: grant.attempt, refs, why });
    return refusal(status, why);
  };
  if (request.headers.has("content-encoding")) return refuse(415, "a push is sent without Content-Encoding");
  if (request.headers.get("content-type") !== "application/x-git-receive-pack-request")
    return refuse(415, "not the content type of a push");
  const chunks = chunksOf(request.body ?? new Blob().stream());
  const gate = new PushGate(grant.ref);
  const { verdict, held } = await judge(chunks, gate);
  const say = readable(refuse, audit, grant, gate, chunks);
  switch (verdict.kind) {
    case "malformed":
      await chunks.return();
      return refuse(400, verdict.why, verdict.refs);
    case "forbidden":
      return say(403, verdict.why, verdict.refs);
    case "probe":
      await chunks.return();
      return new Response(null, {
        headers: { "content-type": resultType("git-receive-pack"), "cache-control": "no-cache" },
      });
    case "push": {
      const why = (await grant.isLive())
        ? await staleWhy(grant, tips, verdict.command.oldOid, request.signal)
        : NOT_LIVE;
      if (why !== undefined) return say(403, why, [grant.ref]);
      return forward(request, grant, { push: verdict, held, packFrom: gate.commandBytes, rest: chunks }, say);
    }
  }
}

/**
 * A push says where its branch stands. That is held to the upstream's own list before any work: it decides what is fetched
 * to look into the push, and a host that refuses a wrong one later has already kept its pack.
 */
async function staleWhy(
  grant: GitGrant,
  tips: PushTips,
  oldOid: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const shown = tips.take(grant);
  if (shown !== undefined && oldOid === (shown ?? NO_OID)) return undefined;
  const tip = await readPushTip(grant, signal);
  if (tip === undefined) return "the repository's host did not say where the branch stands; try again later";
  if (oldOid === (tip ?? NO_OID)) return undefined;
  return `the branch ${tip === null ? "does not exist" : `stands at ${tip.slice(0, 12)}`}, not where this push says; fetch it and push again`;
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

/** Refuses so that git shows the reason, where the client can show one and the rest of its push is not endless. */
function readable(refuse: Refuse, audit: GitAudit, grant: GitGrant, gate: PushGate, rest: Chunks): Refuse {
  return async (status, why, refs = []) => {
    const answers = gate.wantsReport && status !== 413 && (await drained(rest));
    await rest.return();
    if (!answers) return refuse(status, why, refs);
    await audit.refused({ runId: grant.runId, attempt: grant.attempt, refs, why });
    return pushRefusal(why, refs);
  };
}

async function drained(rest: Chunks): Promise<boolean> {
  let bytes = 0;
  for (let chunk = await rest.next(); !chunk.done; chunk = await rest.next()) {
    bytes += chunk.value.length;
    if (bytes > REFUSED_BYTES_MAX) return false;
  }
  return true;
}

async function forward(
  request: Request,
  grant: GitGrant,
  judged: Judged & { push: Push },
  refuse: Refuse,
): Promise<Response> {
  const giveUp = new AbortController();
  const onGone = () => giveUp.abort();
  request.signal.addEventListener("abort", onGone, { once: true });
  // Once the upstream has the whole pack it will move the ref whoever listens, so then its answer is awaited.
  const sentWhole = () => request.signal.removeEventListener("abort", onGone);
  const sent = forwardedPush(grant, judged, giveUp.signal, sentWhole);
  try {
    const reply = await grant.upstream.rpc(
      "git-receive-pack",
      byteStream(sent.chunks),
      undefined,
      giveUp.signal,
    );
    if (sent.failure() !== undefined) {
      await reply.body.cancel();
      throw sent.failure();
    }
    // The host's no reaches the client as our own does: git shows no body of an error.
    if (reply.status !== 200 && reply.sentence !== undefined) throw new BodyRefused(403, reply.sentence);
    return await passedOn(reply, resultType("git-receive-pack"), async () =>
      reportTo(grant, judged.push, reply.body, sent),
    );
  } catch (error) {
    giveUp.abort();
    await sent.abort();
    const cause = sent.failure() ?? error;
    if (cause instanceof BodyRefused) return refuse(cause.status, cause.message, [grant.ref]);
    throw cause;
  }
}

/** Passes the report on, except that its good news waits until the push is recorded. A client that left changes nothing. */
function reportTo(
  grant: GitGrant,
  push: Push,
  body: ReadableStream<Uint8Array>,
  sent: Forwarded,
): ReadableStream<Uint8Array> {
  const report = new PushReport(grant.ref, push.sideBand);
  const recorded = (async function* () {
    for await (const chunk of chunksOf(body)) {
      if (report.push(chunk)) await grant.onPushed(push.command.newOid as Oid, sent.findings()); // 40 hex digits by the gate
      yield chunk;
    }
    await sent.cleared();
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
