import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Hands the run's git token to git: a configuration file only we can read, which sends it to the clone address and
 * nowhere else. It is in no argument and no environment, and is removed when `use` ends.
 */
export async function withTokenFile<T>(
  request: { clone_url: string; token: string },
  tempRoot: string,
  use: (tokenFile: string) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tempRoot, "windshift-triage-"));
  try {
    const file = join(dir, "config");
    await writeFile(file, tokenConfig(request), { mode: 0o600, flag: "wx" });
    return await use(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function tokenConfig({ clone_url, token }: { clone_url: string; token: string }): string {
  // Not as it was written but as it was understood: a parsed address has no quote and no line break in it.
  const address = new URL(clone_url).href;
  return `[http "${address}"]\n\textraHeader = "Authorization: Basic ${basic(token)}"\n`;
}

/** What stands for the token in that header. */
export function basic(token: string): string {
  return Buffer.from(`windshift:${token}`).toString("base64");
}
