import type { PushFinding } from "./pack-inspector.ts";

/** A text larger than this is data or made by a machine, bytes; it is reported as not looked into. */
export const SECRET_TEXT_BYTES_MAX = 1_048_576;
/** Text of one push that is searched, bytes, and for how long, ms; the rest is reported. */
export const SECRET_TOTAL_BYTES_MAX = 32 * 1_048_576;
export const SECRET_SEARCH_MS_MAX = 10_000;
/** git and others take a file with a NUL this early for binary, bytes. */
export const TEXT_SAMPLE_BYTES = 8_000;

export interface TextBlob {
  path: string;
  text: string;
  /** What stood at the path before, where that is known: what it held already is nothing new. Asked only when something was found. */
  before(): Promise<string | undefined>;
}

/**
 * Looks for what the kept library takes for a credential. Its patterns may run for long on hostile text, so this belongs in
 * a process that can be killed. Values never leave this function.
 */
export async function searchSecrets({ path, text, before }: TextBlob): Promise<PushFinding[]> {
  const { lintSource } = await import("@secretlint/core");
  const { creator } = await import("@secretlint/secretlint-rule-preset-recommend");
  const { messages } = await lintSource({
    source: { filePath: "text", content: text, contentType: "text" },
    options: {
      noPhysicFilePath: true,
      config: {
        rules: [
          {
            id: "@secretlint/secretlint-rule-preset-recommend",
            rule: creator,
            // This rule lets a comment in the text switch the others off; the text is not ours.
            rules: [{ id: "@secretlint/secretlint-rule-filter-comments", disabled: true }],
          },
        ],
      },
    },
  });
  if (messages.length === 0) return [];
  const old = await before();
  const fresh = messages.filter(
    (message) => old === undefined || !old.includes(text.slice(...message.range)),
  );
  return fresh.map((message) => ({
    kind: "secret",
    path,
    what: `line ${message.loc.start.line} looks like ${NAMES[message.messageId] ?? `a credential (${message.messageId})`}`,
  }));
}

/** The library's words for the commonest kinds are not for people. */
const NAMES: Record<string, string> = {
  GITHUB_TOKEN: "a GitHub token",
  BasicAuth: "a user name and password in an address",
  PrivateKey: "a private key",
  AWSSecretAccessKey: "an AWS secret access key",
};

/** Text as people read it; undefined for binary data. */
export function textOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString("utf16le");
  return bytes.subarray(0, TEXT_SAMPLE_BYTES).includes(0) ? undefined : bytes.toString("utf8");
}
