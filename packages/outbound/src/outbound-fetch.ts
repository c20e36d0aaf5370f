import { lookup as resolve } from "node:dns/promises";
import { AppError } from "@windshift/contract/app-error.ts";
import { isAddress } from "./address-class.ts";
import { checkedAddresses, type Lookup, type OutboundPolicy } from "./outbound-address.ts";

/** The shape of `fetch`, which clients of providers and forges take as an option. */
export type OutboundFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * A `fetch` for addresses that people entered. The name is resolved once, every address it has is checked, and one of those
 * is dialed (WB-09, WB-10, LB-03). TLS is checked against the name. Redirects are given back, never followed.
 * @throws AppError as `checkedAddresses`, before a byte is sent; else whatever `fetch` throws
 */
export function createOutboundFetch(policy: OutboundPolicy, lookup: Lookup = systemLookup()): OutboundFetch {
  const literals = new LiteralOrigins();
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const asked = input instanceof URL ? input : URL.parse(request?.url ?? String(input));
    if (asked === null) throw new AppError("forbidden", "The address is not a URL.");
    const options = request === undefined ? init : { ...partsOf(request), ...init };
    options.signal?.throwIfAborted();
    // Of an address that is its own, what was said once holds for good: the policy does not change, and nothing is looked up.
    if (literals.has(asked)) return dialOnce(asked, asked, options);
    const url = new URL(asked); // the caller's may change while a name is looked up
    const addresses = await unlessAborted(checkedAddresses(url, policy, lookup), options.signal);
    if (isAddress(url.hostname)) literals.add(url);
    return dial(url, addresses, options);
  };
}

/** A name service may take half a minute to say nothing; whoever gives up does not wait for that. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (signal == null) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    const stay = () => signal.removeEventListener("abort", leave);
    work.finally(stay).then(resolve, reject);
  });
}

/** Origins kept; an installation has some tens. */
const ORIGINS_MAX = 1_000;

/** Origins whose host is an address and that may be dialed, so that a call to one is not read letter by letter each time. */
class LiteralOrigins {
  private readonly origins = new Set<string>();

  /** Never for one with a user name or password: these are refused. */
  has(url: URL): boolean {
    return this.origins.has(originOf(url)) && url.username === "" && url.password === "";
  }

  add(url: URL): void {
    if (this.origins.size >= ORIGINS_MAX) this.origins.clear();
    this.origins.add(originOf(url));
  }
}

/** Not `url.origin`, which for `blob:http://host` is that of the address within. */
function originOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/** The next address is tried when nobody answers at one, which is before a byte of the body is read. */
async function dial(url: URL, addresses: readonly string[], options: RequestInit): Promise<Response> {
  const again = !(options.body instanceof ReadableStream);
  for (const [at, address] of addresses.entries()) {
    try {
      return await dialOnce(url, dialed(url, address), options);
    } catch (error) {
      if (!again || at === addresses.length - 1 || !isUnreachable(error)) throw error;
    }
  }
  throw new AppError("upstream_failed", `The name ${url.hostname} has no address.`);
}

async function dialOnce(url: URL, target: URL, options: RequestInit): Promise<Response> {
  const response = await fetch(target.href, fixed(url, options));
  // Whoever reads it wants the address that was asked for.
  return response.url === url.href ? response : Object.defineProperty(response, "url", { value: url.href });
}

function dialed(url: URL, address: string): URL {
  const target = new URL(url);
  target.hostname = address.includes(":") ? `[${address}]` : address;
  return target;
}

function fixed(url: URL, options: RequestInit): RequestInit {
  const headers = withHost(options.headers, url.host);
  const named = url.protocol === "https:" && !isAddress(url.hostname);
  const tls = named
    ? { ...("tls" in options ? Object(options.tls) : {}), serverName: url.hostname }
    : undefined;
  return { ...options, headers, redirect: "manual", ...(tls === undefined ? {} : { tls }) } as RequestInit;
}

/** Headers that name the host already are not copied: with a few of them that takes longer than all checks together. */
function withHost(given: RequestInit["headers"], host: string): Headers {
  if (given instanceof Headers && given.get("host") === host) return given;
  const headers = new Headers(given);
  headers.set("host", host);
  return headers;
}

function partsOf(request: Request): RequestInit {
  return { method: request.method, headers: request.headers, body: request.body, signal: request.signal };
}

/** Bun's names for an address where nobody listens or that no way leads to. */
function isUnreachable(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return (
    typeof code === "string" &&
    /^(ConnectionRefused|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|FailedToOpenSocket)$/.test(code)
  );
}

/** A checked answer of the name service serves this long, ms: the dialed address is always one that was checked. */
const LOOKUP_MS_KEPT = 5_000;
const LOOKUPS_MAX = 1_000;

/** IPv4 first: many hosts have an IPv6 address and no way out by it. */
function systemLookup(): Lookup {
  const kept = new Map<string, { addresses: readonly string[]; untilMs: number }>();
  return async (hostname) => {
    const known = kept.get(hostname);
    if (known !== undefined && known.untilMs > performance.now()) return known.addresses;
    const found = await resolve(hostname, { all: true });
    const addresses = found.sort((a, b) => a.family - b.family).map(({ address }) => address);
    if (kept.size >= LOOKUPS_MAX) kept.clear();
    kept.set(hostname, { addresses, untilMs: performance.now() + LOOKUP_MS_KEPT });
    return addresses;
  };
}
