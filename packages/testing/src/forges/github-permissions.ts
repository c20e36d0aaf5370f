/** What a fine-grained token may do in its repositories. Metadata is always read. */
export interface GithubPermissions {
  contents?: Level;
  pull_requests?: Level;
  issues?: Level;
}
type Level = "read" | "write";
type Name = keyof GithubPermissions | "metadata";

/**
 * Any one of these is enough. Source: GitHub's page "Permissions required for fine-grained personal access tokens", by the
 * calls that the client makes.
 */
const NEEDED: readonly [method: string, path: RegExp, needed: readonly [Name, Level][]][] = [
  ["POST", /\/pulls$/, [["pull_requests", "write"]]],
  ["GET", /\/pulls(\/|$)/, [["pull_requests", "read"]]],
  [
    "POST",
    /\/issues\/\d+\/comments$/,
    [
      ["issues", "write"],
      ["pull_requests", "write"],
    ],
  ],
  [
    "GET",
    /\/issues\/\d+\/comments$/,
    [
      ["issues", "read"],
      ["pull_requests", "read"],
    ],
  ],
  ["GET", /\/(git\/ref|compare)\//, [["contents", "read"]]],
];

/** What a call of the REST API needs, any one of it; reading metadata, which every token may, for what is not in the table. */
export function neededPermissions(method: string, path: string): readonly [Name, Level][] {
  return NEEDED.find(([m, pattern]) => m === method && pattern.test(path))?.[2] ?? [["metadata", "read"]];
}

/** Whether GitHub would refuse the call to a token with these permissions; one to write is one to read, too. */
export function lacksPermission(method: string, path: string, held: GithubPermissions): boolean {
  return neededPermissions(method, path).every(([name, level]) => {
    if (name === "metadata") return false;
    return held[name] !== "write" && held[name] !== level;
  });
}
