import { AppError } from "@windshift/contract/app-error.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { pathOf } from "./http/route-table.ts";
import { TrustedProxies } from "./http/trusted-proxies.ts";

export interface Listener {
  readonly port: number;
  /** Address under which programs of this machine reach it, without a trailing slash. */
  readonly loopbackUrl: string;
  /** Takes no more connections, answers what was asked before, and cuts what waits or streams. */
  stop(): Promise<void>;
}

/** A connection on which nothing happens is closed after this, s: slow clients cannot pile up. */
const IDLE_S_MAX = 60;
/** Room for HTTP's own framing above the largest git body, bytes. */
const BODY_SLACK_BYTES = 1_048_576;
/** Paths on which silence is normal: models that think, packs that are made, watchers of a quiet run. Each has its own limits. */
const PATIENT = /^\/api\/(llm-proxy|git-proxy)\/|\/stream$/;

/** Requests that wait for something to happen: their callers ask again. */
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
  fetch: (request: Request, server: PeerAddresses) => Response | Promise<Response>;
}): Listener {
  const proxies = options.proxies ?? new TrustedProxies();
  const answering = new Set<Promise<unknown>>();
  try {
    const server = Bun.serve({
      hostname: options.host,
      port: options.port,
      idleTimeout: IDLE_S_MAX,
      maxRequestBodySize: GIT_BODY_BYTES_MAX + BODY_SLACK_BYTES,
      fetch: (request, self) => {
        const path = pathOf(request.url);
        const isPatient = PATIENT.test(path);
        if (isPatient) self.timeout(request, 0);
        const answer = options.fetch(request, proxies.some ? behindProxies(self, proxies) : self);
        if (answer instanceof Promise && !isPatient && !WAITING.test(path)) {
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
        void server.stop(false);
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
