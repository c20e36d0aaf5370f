import type { PushFinding } from "./pack-inspector.ts";

/**
 * Files that tell a forge's CI what to run, and the folders they stand in: a link or a submodule in a folder's place brings
 * in files that no path shows.
 */
const CI_PATHS = [
  ".github",
  ".github/workflows",
  ".github/workflows/**",
  ".github/actions",
  ".github/actions/**",
  ".gitea",
  ".gitea/workflows",
  ".gitea/workflows/**",
  ".forgejo",
  ".forgejo/workflows",
  ".forgejo/workflows/**",
  ".woodpecker*",
  ".woodpecker*/**",
  ".gitlab-ci.yml",
  ".gitlab",
  ".gitlab/ci",
  ".gitlab/ci/**",
  ".drone.yml",
  ".circleci",
  ".circleci/**",
  "azure-pipelines.yml",
  "Jenkinsfile",
  "bitbucket-pipelines.yml",
  ".travis.yml",
  ".buildkite",
  ".buildkite/**",
];

/** Who must review, what is checked out with it, and how files are turned into others. */
const PROTECTED_PATHS = [
  "CODEOWNERS",
  ".github/CODEOWNERS",
  ".gitlab/CODEOWNERS",
  ".gitea/CODEOWNERS",
  ".forgejo/CODEOWNERS",
  "docs/CODEOWNERS",
  "**/.gitmodules",
  "**/.gitattributes",
];

export type PathJudge = (
  path: string,
) => Extract<PushFinding["kind"], "ci_file" | "protected_file"> | undefined;

/**
 * Says which paths a push must not change unseen. Compares as the most lenient file system does, so that no other spelling
 * of a name passes.
 * @param further patterns of the binding: a file, a folder with a slash at its end, or a pattern with `*` and `**`
 */
export function createPathJudge(further: readonly string[]): PathJudge {
  const ci = matcher(CI_PATHS);
  const files = matcher([...PROTECTED_PATHS, ...further]);
  return (path) => {
    const plain = plainPath(path);
    if (ci(plain)) return "ci_file";
    return files(plain) ? "protected_file" : undefined;
  };
}

/** One spelling for all that HFS+, NTFS and a case-blind file system take for the same name. */
export function plainPath(path: string): string {
  return path
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .toLowerCase()
    .replaceAll("\\", "/")
    .split("/")
    .map((name) => name.replace(/:.*$/s, "").replace(/[. ]+$/, ""))
    .filter((name) => name !== "")
    .join("/");
}

function matcher(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((pattern) => {
    const folder = pattern.endsWith("/");
    const source = plainPath(pattern)
      .split(/(\*\*\/|\*\*|\*)/)
      .map((part) =>
        part === "**/" ? "(?:.*/)?" : part === "**" ? ".*" : part === "*" ? "[^/]*" : RegExp.escape(part),
      )
      .join("");
    return new RegExp(`^${source}${folder ? "(?:/.*)?" : ""}$`, "s");
  });
  return (path) => tests.some((test) => test.test(path));
}
