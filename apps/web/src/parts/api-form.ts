import { useCallback, useState } from "react";
import { ApiError } from "../api/api.ts";

/** How a form stands with the server. */
export interface ApiForm {
  busy: boolean;
  /** What is wrong with the form as a whole; undefined when single fields say all of it. */
  problem: string | undefined;
  /** What is wrong with a field, by the path the API names it with. */
  fieldError(path: string): string | undefined;
  /** Sends; nothing is cleared when it fails. @returns whether it worked */
  submit(send: () => Promise<unknown>): Promise<boolean>;
}

/** Keeps what the server said about the fields of a form. The values are the caller's, often of `useDraft`. */
export function useApiForm(fields: readonly string[] = []): ApiForm {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const named = error instanceof ApiError ? error.fields : {};
  // What is wrong with something that has no field here is said above the button, also beside what the fields say.
  const others = Object.entries(named).filter(([path]) => !fields.includes(path));
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
    fieldError: (path) => (fields.includes(path) ? named[path] : undefined),
    submit,
  };
}
