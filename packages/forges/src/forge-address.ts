import { ForgeError } from "./forge-client.ts";

/** Where a forge is: for people and git, and for programs. Neither has a slash at its end. */
export interface ForgeAddress {
  webUrl: string;
  apiUrl: string;
  /** For sentences: `github.example.com`. */
  host: string;
}

/**
 * From an address as people know it, or the root of the API, to both.
 * @throws ForgeError `refused` when it is not a plain http(s) address
 */
export function githubAddress(baseUrl: string): ForgeAddress {
  const { url, path } = parseBase(baseUrl, "/api/v3");
  // GitHub's own hosts keep the API under a name of its own.
  const host = url.host.replace(/^api\.(github\.com|[^.]+\.ghe\.com)$/, "$1");
  const webUrl = `${url.protocol}//${host}${path}`;
  const apart = host === "github.com" || /^[^.]+\.ghe\.com$/.test(host);
  return { webUrl, apiUrl: apart ? `${url.protocol}//api.${host}` : `${webUrl}/api/v3`, host };
}

/** As `githubAddress`. */
export function gitlabAddress(baseUrl: string): ForgeAddress {
  const { url, path } = parseBase(baseUrl, "/api/v4");
  return { webUrl: url.origin + path, apiUrl: `${url.origin}${path}/api/v4`, host: url.host };
}

/** As `githubAddress`. */
export function forgejoAddress(baseUrl: string): ForgeAddress {
  const { url, path } = parseBase(baseUrl, "/api/v1");
  return { webUrl: url.origin + path, apiUrl: `${url.origin}${path}/api/v1`, host: url.host };
}

/** Of each kind of forge; needs neither a credential nor the forge's library. */
export const forgeAddress = { github: githubAddress, gitlab: gitlabAddress, forgejo: forgejoAddress };

function parseBase(baseUrl: string, apiPath: string): { url: URL; path: string } {
  const url = URL.parse(baseUrl);
  const plain =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (!plain)
    throw new ForgeError(
      "refused",
      "The base address must be one such as https://git.example.com, without user name, query or fragment.",
    );
  const path = url.pathname.replace(/\/+$/, "");
  return { url, path: path.endsWith(apiPath) ? path.slice(0, -apiPath.length) : path };
}
