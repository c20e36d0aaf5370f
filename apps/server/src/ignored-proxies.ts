import type { Log } from "./http/log.ts";

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/**
 * The runtime would send every request through a proxy that is named in the environment. Then the proxy, and not this
 * server, would decide which address a name leads to, and the guard on outbound addresses would guard nothing.
 */
export function ignoreProxies(log: Log): void {
  const set = PROXY_VARIABLES.filter((name) => process.env[name]);
  if (set.length === 0) return;
  for (const name of set) delete process.env[name];
  log.warn({ variables: set }, "proxies are not used: this server checks each outbound address itself");
}
