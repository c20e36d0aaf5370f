import { AppError } from "@windshift/contract/app-error.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { pathOf } from "./http/route-table.ts";
import { TrustedProxies } from "./http/trusted-proxies.ts";

export interface Listener {
  readonly port: number;
  /** Address under which programs of this machine reach it, without a trailing slash. */
  readonly loopbackUrl: string;
  stop(): Promise<void>;
}

/** A connection on which nothing happens is closed after this, s: slow clients cannot pile up. */
const IDLE_S_MAX = 60;
/** Room for HTTP's own framing above the largest git body, bytes. */
const BODY_SLACK_BYTES = 1_048_576;
/** Paths on which silence is normal: models that think, packs that are made, watchers of a quiet run. Each has its own limits. */
const PATIENT = /^\/api\/(llm-proxy|git-proxy)\/|\/stream$/;

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
  try {
    const server = Bun.serve({
      hostname: options.host,
      port: options.port,
      idleTimeout: IDLE_S_MAX,
      maxRequestBodySize: GIT_BODY_BYTES_MAX + BODY_SLACK_BYTES,
      fetch: (request, self) => {
        if (PATIENT.test(pathOf(request.url))) self.timeout(request, 0);
        return options.fetch(request, proxies.some ? behindProxies(self, proxies) : self);
      },
    });
    const port = server.port ?? options.port;
    const everywhere = options.host === "0.0.0.0" || options.host === "::" || options.host === "localhost";
    const host = everywhere ? "127.0.0.1" : options.host;
    return {
      port,
      loopbackUrl: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
      stop: () => server.stop(true),
    };
  } catch (cause) {
    throw new AppError(
      "invalid_input",
      `cannot listen on ${options.host}:${options.port} (${(cause as Error).message}); choose another WINDSHIFT_PORT or WINDSHIFT_HOST`,
      { cause },
    );
  }
}
