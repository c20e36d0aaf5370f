import type { RepositoryPage } from "./forge-client.ts";

/** Repositories of one page: what a list on a screen holds. */
export const REPOSITORIES_PAGE = 50;
/** Pages that a search looks through where the forge cannot search what a credential sees. */
const SEARCH_PAGES_MAX = 10;

/** The repositories whose `owner/name` holds the text, among the 500 most recently used, as one page. */
export async function matchingPage(
  search: string,
  read: (page: number) => Promise<RepositoryPage>,
): Promise<RepositoryPage> {
  const wanted = search.toLowerCase();
  const repositories: RepositoryPage["repositories"] = [];
  for (let page: number | null = 1; page !== null && page <= SEARCH_PAGES_MAX; ) {
    const found: RepositoryPage = await read(page);
    repositories.push(
      ...found.repositories.filter((r) => `${r.owner}/${r.name}`.toLowerCase().includes(wanted)),
    );
    page = repositories.length >= REPOSITORIES_PAGE ? null : found.nextPage;
  }
  return { repositories: repositories.slice(0, REPOSITORIES_PAGE), nextPage: null };
}
