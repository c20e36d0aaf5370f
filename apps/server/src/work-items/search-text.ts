import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";

/** Words of one search: each is looked for by itself. */
const SEARCH_WORDS_MAX = 10;

/** What is compared in a search: in small letters, composed, on either engine. */
export function searchable(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** The words of a search; what has all of them is found. @throws AppError `invalid_input` for more than SEARCH_WORDS_MAX */
export function searchWords(q: string): string[] {
  const words = [...new Set(searchable(q.replaceAll("\0", "")).split(/\s+/).filter(Boolean))];
  if (words.length > SEARCH_WORDS_MAX) {
    const message = `at most ${SEARCH_WORDS_MAX} words`;
    throw new AppError("invalid_input", `q: ${message}`, { details: [{ path: "q", message }] });
  }
  return words;
}

/** Writes what a search of items looks through. In the transaction that writes the item. */
export async function writeItemSearch(
  tx: Queries,
  item: { id: number; key: string; title: string; description: string },
): Promise<void> {
  const text = searchable(`${item.key}\n${item.title}\n${item.description}`);
  await tx
    .insertInto("item_search")
    .values({ work_item_id: item.id, text })
    .onConflict((oc) => oc.column("work_item_id").doUpdateSet({ text }))
    .execute();
}
