import { AppError } from "@windshift/contract/app-error.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { BalancerNotice } from "./http/balancer-notice.ts";
import { type Door, pathOf } from "./http/route-table.ts";
import { TrustedProxies } from "./http/trusted-proxies.ts";

export interface Listener {
  readonly port: number;
  /** Address under which programs of this machine reach it, without a trailing slash. */
  readonly loopbackUrl: string;
  /**
   * Takes no more connections, answers what was asked before and what waits, and cuts what streams. Where a proxy may ask other
   * servers it first sends whoever is sent here elsewhere. Takes eight seconds at most.
   */
  stop(): Promise<void>;
}

/** A connection on which nothing happens is closed after this, s: slow clients cannot pile up. */
const IDLE_S_MAX = 60;
/** Room for HTTP's own framing above the largest git body, bytes. */
const BODY_SLACK_BYTES = 1_048_576;
/** Paths on which silence is normal: models that think, packs that are made, watchers of a quiet run. Each has its own limits. */
const PATIENT = /^\/api\/(llm-proxy|git-proxy)\/|\/stream$/;

/** Requests that wait for something to happen: at the end they are answered that nothing did, and their callers ask again. */
const WAITING = /^\/api\/runner\/(claim|notices)$/;
/** How long requests that came before the end get for their answers, ms: all but those that wait take far less. */
const FINISH_MS_MAX = 5_000;
/** An answer that is ready is on its way this much later, ms. */
const FLUSH_MS = 20;

/** Tells where a request came from. */
export interface PeerAddresses {
  requestIP(request: Request): { address: string } | null;
}

function behindProxies(server: PeerAddresses, proxies: TrustedProxies): PeerAddresses {
  return {
    requestIP: (request) => {
      const peer = server.requestIP(request)?.address;
      if (peer === undefined) return null;
      return { address: proxies.clientOf(peer, request.headers.get("x-forwarded-for")) };
    },
  };
}

/** Starts to listen. @throws AppError `invalid_input` when the address cannot be had */
export function listen(options: {
  host: string;
  port: number;
  /** Whose word counts for where a request came from; by default nobody's. */
  proxies?: TrustedProxies;
  /** Whether there may be other servers that a proxy can ask in its place. By default there are none. */
  hasPeers?: boolean;
  /** Asked first of all, so that a flood costs the least. */
  door?: Door;
  fetch: (request: Request, server: PeerAddresses) => Response | Promise<Response>;
}): Listener {
  const proxies = options.proxies ?? new TrustedProxies();
  const notice = new BalancerNotice();
  const waits = new Set<AbortController>();
  const answering = new Set<Promise<unknown>>();
  /** Such a request sees our end as if its caller had hung up. */
  const wait = async (request: Request, peers: PeerAddresses) => {
    const over = new AbortController();
    const hungUp = () => over.abort();
    request.signal.addEventListener("abort", hungUp, { once: true });
    waits.add(over);
    try {
      const asked = new Request(request, { signal: over.signal });
      return await options.fetch(asked, { requestIP: () => peers.requestIP(request) });
    } finally {
      waits.delete(over);
      request.signal.removeEventListener("abort", hungUp);
    }
  };
  try {
    const server = Bun.serve({
      hostname: options.host,
      port: options.port,
      idleTimeout: IDLE_S_MAX,
      maxRequestBodySize: GIT_BODY_BYTES_MAX + BODY_SLACK_BYTES,
      fetch: (request, self) => {
        const path = pathOf(request.url);
        const refusal = options.door?.(request, path);
        if (refusal !== undefined) return refusal;
        const isWaiting = WAITING.test(path);
        const sentElsewhere = notice.take(request, path, isWaiting);
        if (sentElsewhere !== undefined) return sentElsewhere;
        const isPatient = PATIENT.test(path);
        if (isPatient) self.timeout(request, 0);
        const peers = proxies.some ? behindProxies(self, proxies) : self;
        const answer = isWaiting ? wait(request, peers) : options.fetch(request, peers);
        if (answer instanceof Promise && !isPatient) {
          answering.add(answer);
          const done = () => answering.delete(answer);
          answer.then(done, done);
        }
        return answer;
      },
    });
    const port = server.port ?? options.port;
    const everywhere = options.host === "0.0.0.0" || options.host === "::" || options.host === "localhost";
    const host = everywhere ? "127.0.0.1" : options.host;
    return {
      port,
      loopbackUrl: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
      stop: async () => {
        if (proxies.some && options.hasPeers) await notice.give();
        void server.stop(false);
        for (const over of waits) over.abort();
        if (answering.size > 0) {
          await Promise.race([Promise.allSettled(answering), Bun.sleep(FINISH_MS_MAX)]);
          await Bun.sleep(FLUSH_MS);
        }
        await server.stop(true);
      },
    };
  } catch (cause) {
    throw new AppError(
      "invalid_input",
      `cannot listen on ${options.host}:${options.port} (${(cause as Error).message}); choose another WINDSHIFT_PORT or WINDSHIFT_HOST`,
      { cause },
    );
  }
}
