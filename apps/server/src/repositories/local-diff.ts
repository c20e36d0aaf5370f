import type { Diff, DiffFile } from "@windshift/contract/api/pull-request.ts";
import type { Oid } from "@windshift/contract/ids.ts";
import { DIFF_BYTES_MAX, DIFF_FILES_MAX } from "@windshift/contract/limits.ts";
import { gitOn } from "./local-git.ts";

/**
 * Nothing of the repository decides how it is shown: no external program, no conversion, no color. Renames are not
 * looked for: that costs the square of the number of files.
 */
const PLAIN = ["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames"];

/** What `head` changes against the point where it parted from `base`; both commits must exist. */
export async function readDiff(dir: string, base: Oid, head: Oid): Promise<Diff> {
  const range = ["--end-of-options", `${base}...${head}`, "--"];
  const [numbers, patch] = await Promise.all([
    gitOn(dir, ["diff", ...PLAIN, "--numstat", "-z", ...range]),
    gitOn(dir, ["diff", ...PLAIN, "--unified=3", ...range], { outputBytesMax: DIFF_BYTES_MAX + 1 }),
  ]);
  const files = parseNumbers(numbers.stdout);
  const truncated = Buffer.byteLength(patch.stdout) > DIFF_BYTES_MAX || files.length > DIFF_FILES_MAX;
  return {
    files: files.slice(0, DIFF_FILES_MAX),
    // A patch that was cut ends with its last whole line.
    patch: truncated ? patch.stdout.slice(0, patch.stdout.lastIndexOf("\n") + 1) : patch.stdout,
    truncated,
  };
}

/** `12<TAB>3<TAB>path<NUL>`; `-` for files that are not text. */
function parseNumbers(text: string): DiffFile[] {
  return text.split("\0").flatMap((entry) => {
    const match = /^(\d+|-)\t(\d+|-)\t([\s\S]+)$/.exec(entry);
    if (match === null) return [];
    const [, added, removed, path = ""] = match;
    return [{ path, added: countOf(added), removed: countOf(removed) }];
  });
}

function countOf(text: string | undefined): number | null {
  return text === undefined || text === "-" ? null : Number(text);
}
