import type { Api } from "forgejo-js";
import { z } from "zod";
import type { RepositoryAddress } from "./forge-client.ts";
import { ask } from "./forge-reply.ts";
import { pathOf } from "./forgejo-path.ts";

const Commits = z.array(
  z.object({ sha: z.string(), parents: z.array(z.object({ sha: z.string() })).nullish() }),
);

const PAGE = 50;
/** Commits that are read of a pull request, in pages; more than 1000 is shown as 1000. */
const PAGES_MAX = 20;
/** Merges of the target branch that are told apart to find the newest; a branch with more takes one of the newest. */
const CANDIDATES_MAX = 8;

/**
 * Forgejo's comparison does not name the common commit, so it is found from the commits that only the head has: their
 * parents outside are all in the target, and the newest of them is the merge base.
 * @returns undefined when they have no history in common
 */
export async function compareForgejo(
  api: Api<unknown>,
  repository: RepositoryAddress,
  headOid: string,
  targetOid: string,
): Promise<{ baseOid: string; commits: number } | undefined> {
  if (headOid === targetOid) return { baseOid: headOid, commits: 0 };
  const own = new Map<string, string[]>();
  for (let page = 1; page <= PAGES_MAX; page++) {
    const found = await listCommits(api, repository, { sha: headOid, not: targetOid, page, limit: PAGE });
    for (const { sha, parents } of found)
      own.set(
        sha,
        (parents ?? []).map((parent) => parent.sha),
      );
    if (found.length === 0) break;
  }
  // Nothing of its own: the target has it all.
  if (own.size === 0) return { baseOid: headOid, commits: 0 };
  const outside = [...new Set([...own.values()].flat())]
    .filter((oid) => !own.has(oid))
    .slice(0, CANDIDATES_MAX);
  const baseOid = await newestOf(api, repository, outside);
  return baseOid === undefined ? undefined : { baseOid, commits: own.size };
}

async function newestOf(
  api: Api<unknown>,
  repository: RepositoryAddress,
  oids: readonly string[],
): Promise<string | undefined> {
  let newest = oids[0];
  for (const oid of oids.slice(1)) {
    const more = await listCommits(api, repository, { sha: oid, not: newest ?? oid, page: 1, limit: 1 });
    if (more.length > 0) newest = oid;
  }
  return newest;
}

function listCommits(
  api: Api<unknown>,
  repository: RepositoryAddress,
  query: { sha: string; not: string; page: number; limit: number },
) {
  const [owner, name] = pathOf(repository);
  const lean = { stat: false, verification: false, files: false };
  return ask(
    Commits,
    async () => (await api.repos.repoGetAllCommits(owner, name, { ...query, ...lean })).data,
  );
}
