import ipaddr from "ipaddr.js";

/**
 * What an address is to us. `metadata`: where clouds hand out credentials; never reached, whatever the allow-list says.
 * `private`: everything else that is not on the public network (loopback, private ranges, link-local, multicast, tunnels).
 */
export type AddressClass = "public" | "private" | "metadata";

/**
 * Metadata services of AWS (instance, container, pod), Google, Azure, Alibaba, Oracle and Scaleway, where they are not
 * link-local; those are checked as a whole.
 */
const METADATA = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
  "fd00:c1::a9fe:a9fe",
  "fd00:42::42",
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
]);

const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");
/** A network's own NAT64 (RFC 8215), and IPv4 addresses written as IPv6 (RFC 4291); the library has no word for these. */
const LOCAL_NAT64 = ipaddr.parseCIDR("64:ff9b:1::/48");
const IPV4_COMPATIBLE = ipaddr.parseCIDR("::/96");

/** @param address as a name service gives it, or the text of an address in any notation of IPv4 or IPv6 */
export function classifyAddress(address: string): AddressClass {
  const text = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  // `process` unwraps an IPv4 address inside an IPv6 one, which would otherwise be a way around.
  const parsed = ipaddr.process(text);
  if (isMetadata(parsed)) return "metadata";
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === "unicast" ? "public" : "private";
  const carried = tunneled(parsed);
  if (carried !== undefined && isMetadata(carried)) return "metadata";
  // The library calls every IPv6 address it has no other word for unicast; only this block is given out.
  return parsed.range() === "unicast" && parsed.match(GLOBAL_UNICAST) ? "public" : "private";
}

/** Whether the host of an address is an address itself and not a name. */
export function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[|\]$/g, ""));
}

function isMetadata(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return METADATA.has(address.toString()) || address.range() === "linkLocal";
}

/**
 * The IPv4 address that a translator or a tunnel would reach for an IPv6 address: a name service that makes such addresses
 * (DNS64) gives them for names that have IPv4 addresses only, so also for names of metadata services.
 */
function tunneled(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  const at = (start: number) => new ipaddr.IPv4(bytes.slice(start, start + 4));
  switch (address.range()) {
    case "6to4":
      return at(2);
    case "teredo":
      return new ipaddr.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff));
    case "rfc6052":
    case "rfc6145":
      return at(12);
    default:
      return address.match(LOCAL_NAT64) || address.match(IPV4_COMPATIBLE) ? at(12) : undefined;
  }
}
