import type { Oid } from "@windshift/contract/ids.ts";

/** What is known of a repository before a push. */
export interface KnownObjects {
  /** Folders of objects (`…/objects`), absolute. */
  objects: readonly string[];
  /** All that the upstream's refs reach is there. When not, only the commits asked for and their trees are. */
  whole: boolean;
}

/** Gives the objects a push builds on. Real: localBase, and fetched-base.ts for a forge's repositories. */
export interface BaseObjects {
  /** @param commits what must be there: the commit a run started from, and what its branch points at */
  find(commits: readonly Oid[], signal: AbortSignal): Promise<KnownObjects>;
}

/** A `local` repository is its own base. */
export function localBase(dir: string): BaseObjects {
  return { find: async () => ({ objects: [`${dir}/objects`], whole: true }) };
}
