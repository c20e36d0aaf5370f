import { useCallback } from "react";
import { useDraft } from "./draft.ts";

/**
 * Values of a form that changes what is stored: what was typed lies over what the server has, and is kept until it is sent.
 * @returns the values, how to change some of them, how to forget what was typed, and whether something was that is not stored
 */
export function useEditDraft<T extends object>(
  key: string,
  saved: T,
): [T, (part: Partial<T>) => void, () => void, boolean] {
  const [typed, setTyped, forget] = useDraft<Partial<T> | null>(key, null);
  const change = useCallback((part: Partial<T>) => setTyped({ ...typed, ...part }), [typed, setTyped]);
  const differs = Object.entries(typed ?? {}).some(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(saved[name as keyof T]),
  );
  return [{ ...saved, ...typed }, change, forget, differs];
}
