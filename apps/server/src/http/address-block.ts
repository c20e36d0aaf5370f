import { isIPv6 } from "node:net";

/**
 * What a caller's limits go by: an IPv4 address as it is, and of an IPv6 address its first 64 bits, as every host of a network
 * may take any of the other 2^64 addresses.
 * @param caller an address, or anything else, which is given back as it is
 */
export function addressBlock(caller: string): string {
  const address = caller.replace(/%.*$/, "");
  if (!isIPv6(address)) return caller;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? `${groupsOf(address).slice(0, 4).join(":")}::/64`;
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = [], tail = []] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail];
}
