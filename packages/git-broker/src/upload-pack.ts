import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { chunksOf } from "./byte-stream.ts";
import { commandBody, type FetchRequest, parseFetchRequest } from "./fetch-request.ts";
import { readTips } from "./git-advertise.ts";
import type { GitAudit, GitGrant } from "./git-grant.ts";
import { resultType } from "./git-upstream.ts";
import { pktLine } from "./pkt-line.ts";
import { PktBroken } from "./pkt-units.ts";
import { printable } from "./printable.ts";
import { filterLsRefs } from "./ref-filter.ts";
import { BodyRefused, NOT_LIVE, refusal } from "./refusal.ts";
import type { ShownTips } from "./shown-tips.ts";
import { passedOn } from "./upstream-reply.ts";

/** What a client may say in one fetch, packed or unpacked, bytes: far more than the lines that are read of it need. */
export const FETCH_BODY_BYTES_MAX = 8 * 1_048_576;
/** Object ids do not compress: gzip shrinks a fetch to a third. What unpacks to far more is no fetch. */
const UNPACK_RATIO_MAX = 20;
/** Small bodies are all framing, bytes: here the ratio says nothing. */
const UNPACK_FREE_BYTES = 65_536;

type Fetch = Extract<FetchRequest, { kind: "fetch" }>;
type Refs = Extract<FetchRequest, { kind: "ls-refs" }>;

/**
 * Answers `ls-refs` and a fetch. What the upstream gets is written anew from what was read, and asks for the refs of the
 * grant only: object ids that none of them points at, other refs and tags are refused.
 */
export async function uploadPack(
  request: Request,
  grant: GitGrant,
  tips: ShownTips,
  audit: GitAudit,
): Promise<Response> {
  if (!(await grant.isLive())) return refusal(403, NOT_LIVE);
  const read = await readBody(request);
  if (read instanceof Response) return read;
  const asked = parseFetchRequest(read);
  switch (asked.kind) {
    case "malformed":
      return refusal(400, asked.why);
    case "probe":
      return new Response(null, {
        headers: { "content-type": resultType("git-upload-pack"), "cache-control": "no-cache" },
      });
    case "ls-refs":
      return listRefs(request, grant, tips, asked);
    case "fetch":
      return (await beyondGrant(grant, tips, asked, request.signal))
        ? refuseFetch(grant, audit, asked)
        : sendPack(request, grant, asked);
  }
}

async function readBody(request: Request): Promise<Uint8Array | Response> {
  const encoding = request.headers.get("content-encoding")?.toLowerCase() ?? "identity";
  if (
    request.headers.get("content-type") !== "application/x-git-upload-pack-request" ||
    request.body === null ||
    !["identity", "gzip", "x-gzip"].includes(encoding)
  )
    return refusal(415, "a fetch is sent plain or as gzip");
  try {
    const sent = await collect(request.body);
    return encoding === "identity" ? sent : await unpacked(sent);
  } catch (error) {
    if (error instanceof BodyRefused) return refusal(error.status, error.message);
    throw error;
  }
}

async function collect(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(body)) {
    bytes += chunk.length;
    if (bytes > FETCH_BODY_BYTES_MAX) throw new BodyRefused(413, "a fetch request over 8 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function unpacked(sent: Uint8Array): Promise<Uint8Array> {
  const allowed = Math.max(UNPACK_FREE_BYTES, sent.length * UNPACK_RATIO_MAX);
  const maxOutputLength = Math.min(FETCH_BODY_BYTES_MAX, allowed);
  try {
    return await promisify(gunzip)(sent, { maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new BodyRefused(413, "a fetch request that unpacks to more than a fetch has to say");
    throw new BodyRefused(400, "the request body is not gzip");
  }
}

async function listRefs(request: Request, grant: GitGrant, tips: ShownTips, asked: Refs): Promise<Response> {
  const given = ["peel", "symrefs", ...(asked.unborn ? ["unborn"] : [])];
  const prefixes = ["HEAD", ...grant.fetchRefs].map((ref) => `ref-prefix ${ref}`);
  const body = commandBody("ls-refs", asked.capabilities, [...given, ...prefixes]);
  const reply = await grant.upstream.rpc("git-upload-pack", streamOf(body), "version=2", request.signal);
  if (reply.status !== 200 && reply.sentence !== undefined) return saidAloud(reply.sentence);
  return passedOn(reply, resultType("git-upload-pack"), async () => {
    try {
      const shown = await filterLsRefs(reply.body, grant.fetchRefs);
      tips.add(grant, shown.oids);
      return streamOf(shown.bytes);
    } catch (error) {
      if (error instanceof PktBroken) return undefined;
      throw error;
    }
  });
}

/** Whether it asks for more than the grant shows. What this process has not shown yet, another one may have. */
async function beyondGrant(
  grant: GitGrant,
  tips: ShownTips,
  asked: Fetch,
  signal: AbortSignal,
): Promise<boolean> {
  if (asked.refs.some((ref) => !grant.fetchRefs.includes(ref))) return true;
  if (!tips.lacks(grant, asked.wants)) return false;
  tips.add(grant, (await readTips(grant, signal)) ?? []);
  return tips.lacks(grant, asked.wants);
}

async function refuseFetch(grant: GitGrant, audit: GitAudit, asked: Fetch): Promise<Response> {
  const why = `this run may fetch only what ${grant.fetchRefs.join(" and ")} point at`;
  const refs = [...asked.refs, ...asked.wants].slice(0, 10).map(printable);
  await audit.refused({ runId: grant.runId, attempt: grant.attempt, refs, why });
  return saidAloud(why);
}

/** A no in git's own words: of an answer with another status than 200 git would show the number alone. */
function saidAloud(why: string): Response {
  return new Response(new Uint8Array(pktLine(`ERR ${why}\n`)), {
    headers: { "content-type": resultType("git-upload-pack"), "cache-control": "no-cache" },
  });
}

async function sendPack(request: Request, grant: GitGrant, asked: Fetch): Promise<Response> {
  const reply = await grant.upstream.rpc(
    "git-upload-pack",
    streamOf(asked.body),
    asked.protocol,
    request.signal,
  );
  if (reply.status !== 200 && reply.sentence !== undefined) return saidAloud(reply.sentence);
  return passedOn(reply, resultType("git-upload-pack"), async () => reply.body);
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes)]).stream();
}
