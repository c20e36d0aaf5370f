import type { Clock } from "@windshift/base/clock.ts";
import type { ForgeClient } from "./forge-client.ts";

export type ForgeKind = "github" | "gitlab" | "forgejo";

export type ForgeCredential =
  | { kind: "token"; token: string }
  /** GitHub only. `privateKey` is the PEM text that GitHub gives out. */
  | { kind: "github_app"; appId: number; installationId: number; privateKey: string };

/** The shape of `fetch`; follows no redirect. */
export type ForgeFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface ForgeOptions {
  /** As people know it: `https://github.com`, `https://git.example.com/gitlab`; the root of the API will do too. */
  baseUrl: string;
  credential: ForgeCredential;
  /** Decides what may be reached. */
  fetch: ForgeFetch;
  clock?: Clock;
}

/**
 * A client for one connection; keep it while the connection does not change, since it remembers rate limits and tokens.
 * The library of a forge is loaded when its first client is made.
 * @param kind `forgejo` also for Gitea and Codeberg
 * @throws ForgeError `refused` when the base address or the kind of credential is not one of that forge
 */
export async function createForgeClient(kind: ForgeKind, options: ForgeOptions): Promise<ForgeClient> {
  switch (kind) {
    case "github":
      return (await import("./github-client.ts")).createGithubClient(options);
    case "gitlab":
      return (await import("./gitlab-client.ts")).createGitlabClient(options);
    case "forgejo":
      return (await import("./forgejo-client.ts")).createForgejoClient(options);
  }
}
