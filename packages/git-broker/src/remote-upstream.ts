import { AppError, assert } from "@windshift/contract/app-error.ts";
import { RepositoryOwner, RepositorySlug } from "@windshift/contract/job.ts";
import { byteStream, chunksOf } from "./byte-stream.ts";
import { basicCredentials, CredentialEchoed, CredentialScan } from "./credential-scan.ts";
import type { GitService, GitUpstream, UpstreamReply } from "./git-upstream.ts";
import { printable } from "./printable.ts";
import { readReport } from "./remote-report.ts";
import { RequestWatch } from "./request-watch.ts";
import { SentBody } from "./sent-body.ts";
import { failureOfStatus, type UpstreamFailure, type UpstreamPlace } from "./upstream-failure.ts";

/** A repository of a forge, and the way to it. Nothing here comes from a client's request. */
export interface RemoteUpstreamOptions {
  /** Where smart HTTP lives, from the stored connection, without a slash at its end: `https://forge.example`. */
  root: string;
  /** As stored; several segments for a subgroup: `group/sub`. */
  owner: string;
  name: string;
  /** For Basic authentication. Asked for before each request that goes out; it renews itself in time. */
  credential(): Promise<RemoteCredential>;
  /** The guarded way out: checks where it leads, and gives redirects back. */
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Hears of every failure, before the client does. Kept on the run; `credential_echo` belongs into the audit log. */
  onFailure(failure: UpstreamFailure): Promise<void>;
  /** Shorter in tests. */
  limits?: Partial<RemoteLimits>;
}
export interface RemoteCredential {
  username: string;
  password: string;
}
export interface RemoteLimits {
  /** Until the answer to an advertisement begins, connecting included, ms. */
  advertiseMsMax: number;
  /** From the last byte sent until the answer begins, ms. */
  answerMsMax: number;
  /** Without a byte of the answer, ms. */
  idleMsMax: number;
}

/** A host that does not list its refs in this time is not there, ms. */
const ADVERTISE_MS_MAX = 30_000;
/** A host may check a large push before its first word, ms. */
const ANSWER_MS_MAX = 5 * 60_000;
/** Hosts that work send a sign of life every 5 s (`uploadpack.keepAlive`), ms. */
const IDLE_MS_MAX = 2 * 60_000;
/** What is read of an answer other than 200, bytes: room for a sentence. */
const COMPLAINT_BYTES_MAX = 4_096;

/**
 * The upstream of a repository on a forge: smart HTTP over the guarded way out, streamed both ways. The address is built
 * from what is stored, the request headers are a fixed list, and of the answer only status, content type and body are
 * looked at. An answer that holds the credential never gets through.
 */
export function remoteUpstream(options: RemoteUpstreamOptions): GitUpstream {
  const remote = new Remote(options);
  return {
    advertise: (service, protocol, signal) =>
      remote.ask(
        {
          method: "GET",
          path: `info/refs?service=${service}`,
          accept: `application/x-${service}-advertisement`,
          protocol,
          body: undefined,
        },
        signal,
      ),
    rpc: (service, body, protocol, signal) =>
      remote.ask(
        { method: "POST", path: service, accept: `application/x-${service}-result`, protocol, body },
        signal,
      ),
  };
}

interface Call {
  method: "GET" | "POST";
  path: GitService | `info/refs?service=${GitService}`;
  accept: string;
  protocol: string | undefined;
  body: ReadableStream<Uint8Array> | undefined;
}

class Remote {
  private readonly url: string;
  private readonly place: UpstreamPlace;
  private readonly limits: RemoteLimits;

  constructor(private readonly options: RemoteUpstreamOptions) {
    const { root, owner, name } = options;
    assert(
      RepositoryOwner.safeParse(owner).success && RepositorySlug.safeParse(name).success,
      "a repository with a name that is none was stored",
    );
    this.url = `${root}/${owner}/${name}.git`;
    this.place = { host: new URL(root).host, repository: `${owner}/${name}` };
    this.limits = {
      advertiseMsMax: ADVERTISE_MS_MAX,
      answerMsMax: ANSWER_MS_MAX,
      idleMsMax: IDLE_MS_MAX,
      ...options.limits,
    };
  }

  async ask(call: Call, signal: AbortSignal): Promise<UpstreamReply> {
    const credential = await this.options.credential();
    const scan = new CredentialScan(credential);
    const watch = new RequestWatch(signal);
    const sent = new SentBody(call.body, () => watch.start(this.limits.answerMsMax));
    if (call.body === undefined) watch.start(this.limits.advertiseMsMax);
    let response: Response;
    try {
      response = await this.options.fetch(`${this.url}/${call.path}`, {
        method: call.method,
        headers: headersOf(call, credential),
        redirect: "manual",
        signal: watch.signal,
        // Bun's own: an answer as it is, and no limit on silence but ours.
        ...{ decompress: false, timeout: false },
        ...(sent.stream === undefined ? {} : { body: sent.stream }),
      });
    } catch (error) {
      watch.stop();
      return this.unanswered(error, sent, watch, signal);
    }
    const reply = { status: response.status, contentType: response.headers.get("content-type") ?? "" };
    const body = response.body ?? new Blob().stream();
    if (reply.status !== 200 || reply.contentType !== call.accept || isPacked(response))
      return this.complaint(response, body, scan, watch);
    return this.scanned(call, body, reply, scan, watch);
  }

  private async unanswered(
    error: unknown,
    sent: SentBody,
    watch: RequestWatch,
    signal: AbortSignal,
  ): Promise<never> {
    if (sent.failure !== undefined) throw sent.failure;
    if (signal.aborted && !watch.expired) throw error;
    const sentence =
      error instanceof AppError && error.code === "forbidden"
        ? error.message
        : `The repository's host ${this.place.host} ${watch.expired ? "did not answer in time" : "could not be reached"}; try again later.`;
    throw await this.failed({ kind: "unavailable", status: undefined, sentence }, error);
  }

  /** Anything but the answer of a git host: its own words are quoted where they are plain text, and thrown away else. */
  private async complaint(
    response: Response,
    body: ReadableStream<Uint8Array>,
    scan: CredentialScan,
    watch: RequestWatch,
  ): Promise<UpstreamReply> {
    watch.start(this.limits.advertiseMsMax);
    const said = await head(body, COMPLAINT_BYTES_MAX).catch(() => "");
    watch.stop();
    if (scan.isIn(said)) return gone((await this.failed(echoOf(this.place))).message);
    const quoted = /^text\/plain\b/.test(response.headers.get("content-type") ?? "") ? oneLine(said) : "";
    const failure = failureOfStatus(this.place, response.status, quoted);
    return gone((await this.failed(failure)).message);
  }

  /** The answer itself, its first bytes read already, so that a host that echoes at once becomes an error page. */
  private async scanned(
    call: Call,
    body: ReadableStream<Uint8Array>,
    reply: { status: number; contentType: string },
    scan: CredentialScan,
    watch: RequestWatch,
  ): Promise<UpstreamReply> {
    const bytes = this.watched(call, body, scan, watch);
    try {
      const first = await bytes.next();
      const all = (async function* () {
        if (first.done) return;
        yield first.value;
        yield* bytes;
      })();
      return { ...reply, body: byteStream(all, () => watch.abort()) };
    } catch (error) {
      if (error instanceof AppError && error.cause instanceof CredentialEchoed) return gone(error.message);
      throw error;
    }
  }

  private async *watched(
    call: Call,
    body: ReadableStream<Uint8Array>,
    scan: CredentialScan,
    watch: RequestWatch,
  ): AsyncGenerator<Uint8Array, void> {
    const answer = scannedChunks(body, scan, watch, this.limits.idleMsMax);
    try {
      yield* call.path === "git-receive-pack" ? readReport(answer, (why) => this.refused(why)) : answer;
    } catch (error) {
      if (error instanceof CredentialEchoed) throw await this.failed(echoOf(this.place), error);
      const sentence = `The answer of the repository's host ${this.place.host} broke off; try again later.`;
      throw await this.failed({ kind: "unavailable", status: undefined, sentence }, error);
    } finally {
      watch.abort();
    }
  }

  private async refused(why: string): Promise<void> {
    const sentence = `The repository's host ${this.place.host} refused the push: ${why}`;
    await this.options.onFailure({ kind: "push_refused", status: 200, sentence });
  }

  private async failed(failure: UpstreamFailure, cause?: unknown): Promise<AppError> {
    await this.options.onFailure(failure);
    return new AppError("upstream_failed", failure.sentence, { cause });
  }
}

/** Counts the host's silence only, not the time our reader takes. */
async function* scannedChunks(
  body: ReadableStream<Uint8Array>,
  scan: CredentialScan,
  watch: RequestWatch,
  idleMsMax: number,
): AsyncGenerator<Uint8Array, void> {
  const chunks = chunksOf(body);
  try {
    for (;;) {
      watch.start(idleMsMax);
      const chunk = await chunks.next();
      watch.stop();
      if (chunk.done) break;
      const passed = scan.push(chunk.value);
      if (passed.length > 0) yield passed;
    }
  } finally {
    await chunks.return();
  }
  const rest = scan.end();
  if (rest.length > 0) yield rest;
}

/** The whole list: nothing else of ours and nothing of the client's goes out. */
function headersOf(call: Call, credential: RemoteCredential): Record<string, string> {
  return {
    authorization: `Basic ${basicCredentials(credential)}`,
    accept: call.accept,
    "accept-encoding": "identity",
    "user-agent": "git/windshift",
    ...(call.protocol === undefined ? {} : { "git-protocol": call.protocol }),
    ...(call.method === "POST" ? { "content-type": `application/x-${call.path}-request` } : {}),
  };
}

/** We asked for plain bytes; a host that packs them all the same could unpack to anything. */
function isPacked(response: Response): boolean {
  return (response.headers.get("content-encoding") ?? "identity").toLowerCase() !== "identity";
}

function echoOf(place: UpstreamPlace): UpstreamFailure {
  return {
    kind: "credential_echo",
    status: undefined,
    sentence: `The answer of the repository's host ${place.host} was held back.`,
  };
}

function gone(sentence: string): UpstreamReply {
  return { status: 502, contentType: "", sentence, body: new Blob().stream() };
}

async function head(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(body)) {
    chunks.push(chunk.subarray(0, bytesMax - bytes));
    bytes += chunk.length;
    if (bytes >= bytesMax) break;
  }
  return Buffer.concat(chunks).toString("latin1");
}

function oneLine(text: string): string {
  return printable(text.trim().split(/[\r\n]/, 1)[0] ?? "");
}
