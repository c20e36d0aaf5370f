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
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const address = request?.url ?? String(input);
    const url = URL.parse(address);
    if (url === null) throw new AppError("forbidden", "The address is not a URL.");
    const options = request === undefined ? init : { ...partsOf(request), ...init };
    options.signal?.throwIfAborted();
    const addresses = await checkedAddresses(url, policy, lookup);
    options.signal?.throwIfAborted();
    return dial(url, addresses, options);
  };
}

/** The next address is tried when nobody answers at one, which is before a byte of the body is read. */
async function dial(url: URL, addresses: readonly string[], options: RequestInit): Promise<Response> {
  const again = !(options.body instanceof ReadableStream);
  for (const [at, address] of addresses.entries()) {
    try {
      const response = await fetch(dialed(url, address), fixed(url, options));
      // Whoever reads it wants the address that was asked for.
      return Object.defineProperty(response, "url", { value: url.href });
    } catch (error) {
      if (!again || at === addresses.length - 1 || !isUnreachable(error)) throw error;
    }
  }
  throw new AppError("upstream_failed", `The name ${url.hostname} has no address.`);
}

function dialed(url: URL, address: string): URL {
  const target = new URL(url);
  target.hostname = address.includes(":") ? `[${address}]` : address;
  return target;
}

function fixed(url: URL, options: RequestInit): RequestInit {
  const headers = new Headers(options.headers);
  headers.set("host", url.host);
  const named = url.protocol === "https:" && !isAddress(url.hostname);
  const tls = named
    ? { ...("tls" in options ? Object(options.tls) : {}), serverName: url.hostname }
    : undefined;
  return { ...options, headers, redirect: "manual", ...(tls === undefined ? {} : { tls }) } as RequestInit;
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
