/** Alternatives a pattern with braces may stand for; `{a,b}{c,d}` is four. */
const ALTERNATIVES_MAX = 64;

export interface PathFilter {
  /** @param path relative to the folder that is searched */
  matches(path: string): boolean;
  /** Names of files that cover all matches, without braces; empty when names alone do not tell. */
  names: readonly string[];
}

/**
 * A filter as people write it: `*.ts` is a file of that name in any folder, `src/**` a path from the searched folder,
 * `*.{ts,tsx}` either, `!*.test.ts` all others.
 */
export function pathFilter(glob: string | undefined): PathFilter {
  if (glob === undefined || glob === "" || glob === "**") return { matches: () => true, names: [] };
  const excludes = glob.startsWith("!");
  const bare = glob.replace(/^!/, "").replace(/^(\.?\/)+/, "");
  const alternatives = withoutBraces(bare.endsWith("/") ? `${bare}**` : bare);
  const globs = alternatives.map((one) => new Bun.Glob(one.includes("/") ? one : `**/${one}`));
  const named = !excludes && alternatives.every((one) => !one.includes("/") && !/[\\:]/.test(one));
  return {
    matches: (path) => globs.some((one) => one.match(path)) !== excludes,
    names: named ? alternatives : [],
  };
}

/** `a{b,c}` as `ab` and `ac`. What is no well-formed set of braces stays as it is. */
function withoutBraces(glob: string): string[] {
  let open = [glob];
  for (let next = open; open.length <= ALTERNATIVES_MAX; open = next) {
    next = open.flatMap((one) => {
      const braces = /\{([^{}]*,[^{}]*)\}/.exec(one);
      if (braces === null) return [one];
      const [before, after] = [one.slice(0, braces.index), one.slice(braces.index + braces[0].length)];
      return (braces[1] ?? "").split(",").map((choice) => `${before}${choice}${after}`);
    });
    if (next.length === open.length) break;
  }
  return open;
}
