import { useCallback, useEffect, useRef, useState } from "react";

const PREFIX = "draft:";
/** Drafts are kept this long, ms: 30 days. */
const DRAFT_MS_MAX = 30 * 86_400_000;

/**
 * State of a form that outlives reloads, crashes and a lost session, in this browser only. Never for secrets.
 * @param key names the form and what it is about, such as `comment:DEMO-1`
 * @returns the values, how to change them, and how to forget the draft once it was sent
 */
export function useDraft<T>(key: string, initial: T): [T, (values: T) => void, () => void] {
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
    localStorage.removeItem(PREFIX + key);
    setValues(first.current);
  }, [key]);
  return [values, change, forget];
}

function readDraft<T>(key: string): T | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
    return kept !== null && Date.now() - kept.atMs < DRAFT_MS_MAX ? kept.values : undefined;
  } catch {
    return undefined;
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
