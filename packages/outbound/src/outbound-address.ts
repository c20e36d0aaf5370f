import { AppError } from "@windshift/contract/app-error.ts";
import { classifyAddress, isAddress } from "./address-class.ts";
import { isListed, type PrivateHost } from "./private-hosts.ts";

export interface OutboundPolicy {
  /** What may be reached although it is private. */
  privateHosts: readonly PrivateHost[];
}

/** All addresses of a name. @throws Error when there are none */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** Services that take lines of text as commands; a request to them is a trick. Public web ports under 1024 are two. */
const LOW_PORTS = new Set([80, 443]);
/** Source: the ports that browsers refuse, from 1024 on. */
const REFUSED_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679,
  6697, 10080, 11211,
]);

/**
 * The addresses that may be dialed for a URL: every address its host has, found once. The caller dials one of them and
 * never asks the name service again, so that a name cannot lead elsewhere between the check and the connection.
 * @throws AppError `forbidden`, saying what was refused and what an administrator can do; `upstream_failed` when the
 *   name has no address
 */
export async function checkedAddresses(
  url: URL,
  policy: OutboundPolicy,
  lookup: Lookup,
): Promise<readonly string[]> {
  const port = portOf(url);
  refuseStrangeUrls(url, port);
  const listed = isListed(policy.privateHosts, url.hostname, port);
  if (!listed) refusePort(url, port);
  const addresses = await addressesOf(url.hostname, lookup);
  for (const address of addresses) {
    const kind = classifyAddress(address);
    if (kind === "metadata") throw refused(url, port, "leads to a metadata service; it is never reached");
    if (kind === "private" && !listed)
      throw refused(
        url,
        port,
        `is a private address; an administrator can allow it with WINDSHIFT_PRIVATE_HOSTS=${url.hostname}:${port}`,
      );
  }
  return addresses;
}

function refuseStrangeUrls(url: URL, port: number): void {
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw refused(url, port, `uses ${url.protocol.slice(0, 20)}, and only http and https are spoken`);
  if (url.username !== "" || url.password !== "")
    throw refused(
      url,
      port,
      "carries a user name or password; credentials are stored apart from the address",
    );
}

function refusePort(url: URL, port: number): void {
  const fine = port < 1_024 ? LOW_PORTS.has(port) : !REFUSED_PORTS.has(port);
  if (fine) return;
  throw refused(
    url,
    port,
    `uses a port that is not for web services; an administrator can allow it with WINDSHIFT_PRIVATE_HOSTS=${url.hostname}:${port}`,
  );
}

async function addressesOf(hostname: string, lookup: Lookup): Promise<readonly string[]> {
  if (isAddress(hostname)) return [hostname.replace(/^\[|\]$/g, "")];
  const found = await lookup(hostname.replace(/\.$/, "")).catch(() => []);
  if (found.length > 0) return found;
  throw new AppError(
    "upstream_failed",
    `The name ${hostname} has no address; check the spelling and the name service.`,
  );
}

function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

function refused(url: URL, port: number, why: string): AppError {
  return new AppError("forbidden", `${url.hostname}:${port} ${why}.`);
}
