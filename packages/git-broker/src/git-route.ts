import type { GitService } from "./git-upstream.ts";

interface Place {
  run: number;
  /** One segment, or several for a group in a group: `group/sub`. */
  owner: string;
  repo: string;
}
export type GitRoute = Place &
  ({ kind: "advertise"; service: GitService } | { kind: "upload-pack" } | { kind: "receive-pack" });

/** The text itself is matched, never a decoded form of it: an escape, a doubled slash or a dot segment is no route. */
const SLUG = "[A-Za-z0-9_][A-Za-z0-9._-]{0,99}";
/** GitLab nests groups 20 deep. */
const OWNER = `${SLUG}(?:/${SLUG}){0,19}`;
const ROUTE = new RegExp(
  `^https?://[^/?#]*/api/git-proxy/([1-9][0-9]{0,9})/(${OWNER})/(${SLUG})\\.git/(info/refs\\?service=git-(?:upload|receive)-pack|git-upload-pack|git-receive-pack)$`,
);

/**
 * Tells which of the five requests of smart HTTP this is.
 * @returns undefined for all others, the dumb protocol, LFS and unknown services among them
 */
export function parseGitRoute(method: string, url: string): GitRoute | undefined {
  const [, run, owner, repo, action] = ROUTE.exec(url) ?? [];
  if (run === undefined || owner === undefined || repo === undefined) return undefined;
  const place = { run: Number(run), owner, repo };
  switch (`${method} ${action}`) {
    case "GET info/refs?service=git-upload-pack":
      return { ...place, kind: "advertise", service: "git-upload-pack" };
    case "GET info/refs?service=git-receive-pack":
      return { ...place, kind: "advertise", service: "git-receive-pack" };
    case "POST git-upload-pack":
      return { ...place, kind: "upload-pack" };
    case "POST git-receive-pack":
      return { ...place, kind: "receive-pack" };
    default:
      return undefined;
  }
}
