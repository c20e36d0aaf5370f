import { useCallback, useEffect, useRef, useState } from "react";
import { meQuery } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";

/** Names of one place belong to one person: who signs in after them in the same browser does not read what they typed. */
const PREFIX = "draft:";
/** Drafts are kept this long, ms: 30 days. */
const DRAFT_MS_MAX = 30 * 86_400_000;

/**
 * State of a form that outlives reloads, crashes and a lost session, in this browser only. Never for secrets.
 * @param name names the form and what it is about, such as `comment:DEMO-1`
 * @returns the values, how to change them, and how to forget the draft once it was sent
 */
export function useDraft<T>(name: string, initial: T): [T, (values: T) => void, () => void] {
  const key = `${queryClient.getQueryData(meQuery.queryKey)?.id ?? ""}:${name}`;
  const first = useRef(initial);
  first.current = initial;
  const [values, setValues] = useState<T>(() => readDraft<T>(key) ?? initial);
  useEffect(() => setValues(readDraft<T>(key) ?? first.current), [key]);
  const change = useCallback(
    (next: T) => {
      setValues(next);
      writeDraft(key, next);
    },
    [key],
  );
  const forget = useCallback(() => {
    dropDraft(key);
    setValues(first.current);
  }, [key]);
  return [values, change, forget];
}

function readDraft<T>(key: string): T | undefined {
  try {
    if (!swept) dropOldDrafts(localStorage, Date.now());
    swept = true;
    const kept = JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
    return kept !== null && Date.now() - kept.atMs < DRAFT_MS_MAX ? kept.values : undefined;
  } catch {
    return undefined;
  }
}

function dropDraft(key: string): void {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // What cannot be kept need not be dropped.
  }
}

let swept = false;

/** Begins with the word of a form, where now the id of a person stands, or nothing: whose it was is not known. */
const OF_NOBODY = /^draft:[a-z-]+(?::|$)/;

/** Drops drafts that nobody came back to, that may be another person's, or that cannot be read; once a page load. */
export function dropOldDrafts(store: Pick<Storage, "getItem" | "removeItem">, nowMs: number): void {
  for (const key of Object.keys(store).filter((one) => one.startsWith(PREFIX)))
    if (OF_NOBODY.test(key) || !isFresh(store.getItem(key), nowMs)) store.removeItem(key);
}

function isFresh(kept: string | null, nowMs: number): boolean {
  try {
    return nowMs - JSON.parse(kept ?? "null").atMs < DRAFT_MS_MAX;
  } catch {
    return false;
  }
}

/** A full or forbidden store costs the draft, not the page. */
function writeDraft(key: string, values: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify({ atMs: Date.now(), values }));
  } catch {
    // Private windows have none.
  }
}
