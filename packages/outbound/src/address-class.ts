import ipaddr from "ipaddr.js";

/**
 * What an address is to us. `metadata`: where clouds hand out credentials; never reached, whatever the allow-list says.
 * `private`: everything else that is not on the public network (loopback, private ranges, link-local, multicast, tunnels).
 */
export type AddressClass = "public" | "private" | "metadata";

/** Metadata services of AWS (instance, container, IPv6), Google (IPv6), Azure, Alibaba and Oracle; link-local is checked as a whole. */
const METADATA = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "fd00:ec2::254",
  "fd20:ce::254",
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
]);

const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");

/** @param address as a name service gives it, or the text of an address in any notation of IPv4 or IPv6 */
export function classifyAddress(address: string): AddressClass {
  const text = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  // `process` unwraps an IPv4 address inside an IPv6 one, which would otherwise be a way around.
  const parsed = ipaddr.process(text);
  const range = parsed.range();
  if (METADATA.has(parsed.toString()) || range === "linkLocal") return "metadata";
  if (range !== "unicast") return "private";
  // The library calls every IPv6 address it has no other word for unicast; only this block is given out.
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_UNICAST) ? "public" : "private";
}

/** Whether the host of an address is an address itself and not a name. */
export function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[|\]$/g, ""));
}
