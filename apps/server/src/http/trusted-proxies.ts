import { BlockList, isIP } from "node:net";

/** Hops that are looked at in a header; what a caller wrote before them is of no interest. */
const HOPS_MAX = 20;

/** Proxies before the server whose word counts for where a request came from (WB-23). Without any, no header is looked at. */
export class TrustedProxies {
  private readonly known = new BlockList();
  readonly some: boolean;
  /** @param ranges addresses and networks such as `10.0.0.2` or `172.18.0.0/16`, checked by `parseProxies` */
  constructor(ranges: readonly string[] = []) {
    this.some = ranges.length > 0;
    for (const range of ranges) {
      const [address = "", prefix] = range.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (prefix === undefined) this.known.addAddress(address, family);
      else this.known.addSubnet(address, Number(prefix), family);
    }
  }

  /**
   * The address a request came from: the connection's own unless that is a trusted proxy, else the last one of the header that
   * is none. What stands before it anybody could have written.
   * @param forwardedFor the header X-Forwarded-For
   */
  clientOf(peer: string, forwardedFor: string | null): string {
    let client = plain(peer);
    const hops = (forwardedFor ?? "").split(",").slice(-HOPS_MAX);
    while (hops.length > 0 && this.trusts(client)) {
      const hop = plain(hops.pop()?.trim() ?? "");
      if (isIP(hop) === 0) return client;
      client = hop;
    }
    return client;
  }

  private trusts(address: string): boolean {
    return this.known.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }
}

/** @returns the ranges, or the first that is none */
export function parseProxies(list: readonly string[]): { ranges: readonly string[] } | { bad: string } {
  const bad = list.find((range) => !isRange(range));
  return bad === undefined ? { ranges: list } : { bad };
}

function isRange(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return isIP(address) !== 0 && fits && more.length === 0;
}

/** An IPv4 address that a socket for both families writes as IPv6, and a port behind it, as some proxies add. */
function plain(address: string): string {
  const bare = address.replace(/^\[([^\]]+)\](?::\d+)?$/, "$1").replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
  return bare.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}
