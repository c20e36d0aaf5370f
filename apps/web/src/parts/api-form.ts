import { useCallback, useState } from "react";
import { ApiError } from "../api/api.ts";

/** How a form stands with the server. */
export interface ApiForm {
  busy: boolean;
  /** What is wrong with the form as a whole; undefined when single fields say all of it. */
  problem: string | undefined;
  /** What is wrong with a field, by the path the API names it with. */
  fieldError(path: string): string | undefined;
  /** Forgets what the server said. */
  clear(): void;
  /** Sends; nothing is cleared when it fails. @returns whether it worked */
  submit(send: () => Promise<unknown>): Promise<boolean>;
}

/** Keeps what the server said about the fields of a form. The values are the caller's, often of `useDraft`. */
export function useApiForm(fields: readonly string[] = []): ApiForm {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const named = error instanceof ApiError ? error.fields : {};
  // What is wrong with something that has no field here is said above the button, also beside what the fields say.
  const others = Object.entries(named).filter(([path]) => fieldOf(path, fields) === undefined);
  const shown = others.length < Object.keys(named).length;
  const submit = useCallback(async (send: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await send();
      return true;
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown : new Error(String(thrown)));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return {
    busy,
    problem: shown
      ? others.map(([path, message]) => `${path}: ${message}`).join("; ") || undefined
      : error?.message,
    fieldError: (path) => {
      const [found] = Object.entries(named).filter(([at]) => fieldOf(at, fields) === path);
      return found && saidOf(found, path);
    },
    clear: useCallback(() => setError(undefined), []),
    submit,
  };
}

/** The field that a path is said beside: its own, or that of the list or group it lies in; undefined where there is none. */
export function fieldOf(path: string, fields: readonly string[]): string | undefined {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("."))))
    if (fields.includes(at)) return at;
  return undefined;
}

/** Of a list that is typed into one field it says which entry is meant, as people count. */
function saidOf([path, message]: [string, string], field: string): string {
  const place = /^\.(\d+)/.exec(path.slice(field.length))?.[1];
  return place === undefined ? message : `number ${Number(place) + 1}: ${message}`;
}
