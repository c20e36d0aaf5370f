import { isAddress } from "./address-class.ts";

/** A host that may be reached although it is private; without a port on every port. */
export interface PrivateHost {
  host: string;
  port: number | undefined;
}

/** A name or an IPv4 address, or an IPv6 address in brackets; then a port, or `*` for every one. */
const ENTRY = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}|\*))?$/;

/**
 * Reads a comma-separated list such as `ollama.lan:11434, 10.0.0.5`.
 * @returns the list, or the first entry that cannot be read
 */
export function parsePrivateHosts(text: string): PrivateHost[] | { bad: string } {
  const hosts: PrivateHost[] = [];
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const [, host, , port] = ENTRY.exec(entry) ?? [];
    if (host === undefined || !URL.canParse(`http://${host}`)) return { bad: entry };
    const number = port === undefined || port === "*" ? undefined : Number(port);
    if (number !== undefined && (number < 1 || number > 65_535)) return { bad: entry };
    hosts.push({ host: hostOf(host), port: number });
  }
  return hosts;
}

/** Whether exactly this host and port is on the list; an address on it does not allow a name that leads there. */
export function isListed(list: readonly PrivateHost[], hostname: string, port: number): boolean {
  const host = hostOf(hostname);
  return list.some((entry) => entry.host === host && (entry.port === undefined || entry.port === port));
}

/** The one spelling that a URL gives a host: lower case, addresses in their usual notation, no dot at the end. */
function hostOf(text: string): string {
  const { hostname } = new URL(`http://${text}`);
  return isAddress(hostname) ? hostname : hostname.replace(/\.$/, "");
}
