import { lookup } from "node:dns/promises";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { buildVersion } from "@windshift/base/build-version.ts";
import { formatDuration } from "@windshift/base/duration.ts";
import { type Check, failed, passed, warned } from "@windshift/execution/check.ts";
import { z } from "zod";

/** Time for one answer of the network, ms. */
const ASK_MS_MAX = 10_000;
/** Difference of the clocks that is worth a word, ms: certificates and the times people compare are right to the minute. */
const CLOCK_MS_MAX = 60_000;
/** A certificate that ends sooner is worth a word, ms. */
const CERTIFICATE_MS_LEAST = 14 * 86_400_000;

const VersionReply = z.object({ name: z.literal("windshift"), version: z.string() });
/** What the server said to the first question. */
export interface ServerAnswer {
  version: string;
  /** Its clock when it answered, ms since 1970; undefined when it did not say. */
  dateMs: number | undefined;
  /** Ours at the same moment. */
  hereMs: number;
}

/** The server's name has an address, and something listens there. */
export async function checkAddress(apiUrl: string): Promise<Check> {
  const { hostname, port, protocol } = new URL(apiUrl);
  const host = hostname.replace(/^\[|\]$/g, "");
  const found = await lookup(host).catch(() => undefined);
  if (found === undefined)
    return failed("address", `the name ${host} in WS_API_URL has no address here. ${CHECK_DNS}`);
  const at = Number(port) || (protocol === "https:" ? 443 : 80);
  const problem = await connectProblem(host, at);
  if (problem !== undefined)
    return failed(
      "address",
      `nothing answers at ${host}:${at} (${problem}). Check WS_API_URL, that the server runs, and that this host may connect to it (outbound ${protocol === "https:" ? "HTTPS" : "HTTP"}).`,
    );
  return passed("address", `${host} is ${found.address}, port ${at} is open`);
}

const CHECK_DNS = "Check the spelling of WS_API_URL, and the name servers of this host.";

/** The connection cannot be read or stood in for by others. */
export async function checkTransport(apiUrl: string): Promise<Check> {
  const { hostname, port, protocol } = new URL(apiUrl);
  if (protocol !== "https:")
    return warned(
      "https",
      "WSRUNNER_ALLOW_INSECURE=1: the credential goes over a connection that others can read. Use it for development only.",
    );
  const host = hostname.replace(/^\[|\]$/g, "");
  const found = await certificateOf(host, Number(port) || 443);
  if ("problem" in found)
    return failed(
      "https",
      `the certificate of ${host} is not accepted: ${found.problem}. Renew it or have it made for this name; if it is of your own authority, set NODE_EXTRA_CA_CERTS to the file of that authority's certificate.`,
    );
  const endsMs = Date.parse(found.certificate.valid_to);
  const until = `the certificate of ${host} is valid until ${new Date(endsMs).toISOString().slice(0, 10)}`;
  return endsMs - Date.now() > CERTIFICATE_MS_LEAST
    ? passed("https", until)
    : warned("https", `${until}. Renew it before then, or no runner reaches the server any more.`);
}

/** The address is that of a Windshift API. @param heard is told what the server said */
export async function checkApi(apiUrl: string, heard: (answer: ServerAnswer) => void): Promise<Check> {
  const url = `${apiUrl}/version`;
  let response: Response;
  try {
    response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(ASK_MS_MAX) });
  } catch (error) {
    return failed("api", `${url} gives no answer (${(error as Error).message}). ${BETWEEN}`);
  }
  const hereMs = Date.now();
  if (response.status >= 300 && response.status < 400)
    return failed(
      "api",
      `${apiUrl} answers with a redirect to ${response.headers.get("location") ?? "nowhere"}, which a runner does not follow. Set WS_API_URL to the server's own address.`,
    );
  const reply = VersionReply.safeParse(await response.json().catch(() => undefined));
  if (!reply.success)
    return failed(
      "api",
      `${url} answers with status ${response.status}, and not as a Windshift server does. WS_API_URL is the server's address with /api at its end, not that of a page or of /rest/api/v1.`,
    );
  const { version } = reply.data;
  const dateMs = Date.parse(response.headers.get("date") ?? "");
  heard({ version, dateMs: Number.isNaN(dateMs) ? undefined : dateMs, hereMs });
  const said = `${apiUrl} is Windshift ${version}`;
  return version === buildVersion
    ? passed("api", said)
    : warned("api", `${said}, this runner is ${buildVersion}. Install both from one release.`);
}

const BETWEEN = "Check the server's log, and proxies between this host and it.";

/** Holds this host's clock to the server's answer; the way there counts as a difference. A warning at most. */
export function checkClock({ dateMs, hereMs }: ServerAnswer): Check {
  if (dateMs === undefined) return passed("clock", "the server does not tell its time");
  const offMs = hereMs - dateMs;
  const off = formatDuration(Math.abs(offMs));
  if (Math.abs(offMs) <= CLOCK_MS_MAX)
    return passed("clock", `within ${formatDuration(CLOCK_MS_MAX)} of the server's`);
  return warned(
    "clock",
    `this host's clock is ${off} ${offMs > 0 ? "ahead of" : "behind"} the server's. Set it by NTP (timedatectl set-ntp true): certificates are judged by it, and the ages of clones.`,
  );
}

function connectProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: ASK_MS_MAX });
    const end = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once("connect", () => end());
    socket.once("timeout", () => end("no answer in time"));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

function certificateOf(
  host: string,
  port: number,
): Promise<{ certificate: PeerCertificate } | { problem: string }> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, servername: host, timeout: ASK_MS_MAX });
    const end = (found: { certificate: PeerCertificate } | { problem: string }) => {
      socket.destroy();
      resolve(found);
    };
    socket.once("secureConnect", () => end({ certificate: socket.getPeerCertificate() }));
    socket.once("timeout", () => end({ problem: "no answer in time" }));
    socket.once("error", (error: NodeJS.ErrnoException) => end({ problem: error.code ?? error.message }));
  });
}
