/**
 * Capabilities of upload-pack that may cross the broker. Left out on purpose: `include-tag`, `allow-*-sha1-in-want` and
 * `ref-in-want`, which reach beyond the granted refs; `packfile-uris`, `bundle-uri` and `object-info`, which reach beyond
 * the protocol; `server-option`.
 */
const V0 = new Set([
  "multi_ack",
  "multi_ack_detailed",
  "no-done",
  "thin-pack",
  "side-band",
  "side-band-64k",
  "ofs-delta",
  "shallow",
  "deepen-since",
  "deepen-not",
  "deepen-relative",
  "no-progress",
  "filter",
]);
const FETCH_FEATURES = new Set(["shallow", "filter", "wait-for-done"]);

const PLAIN_VALUE = /^(agent|object-format)=[\x21-\x7e]{1,200}$/;

/** Of protocol 0, in an advertisement or behind a `want`. */
export function isFetchCapability(capability: string): boolean {
  return V0.has(capability) || PLAIN_VALUE.test(capability);
}

/** Between the command and the arguments of a request of protocol 2. */
export function isCommandCapability(capability: string): boolean {
  return PLAIN_VALUE.test(capability);
}

/** One line of an advertisement of protocol 2 as it may be shown, undefined to leave it out. */
export function shownCapability(line: string): string | undefined {
  if (PLAIN_VALUE.test(line)) return line;
  if (line === "ls-refs" || line === "ls-refs=unborn") return line;
  if (line !== "fetch" && !line.startsWith("fetch=")) return undefined;
  const features = line
    .slice("fetch=".length)
    .split(" ")
    .filter((feature) => FETCH_FEATURES.has(feature));
  return features.length === 0 ? "fetch" : `fetch=${features.join(" ")}`;
}
