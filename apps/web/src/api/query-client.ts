import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api.ts";

/** Answers are taken for fresh this long, ms; streams say sooner that something changed. */
const FRESH_MS = 10_000;
/** Tries of a read that met no server; the page says so meanwhile. */
const RETRIES_MAX = 3;

/** What is missing or refused stays so: only a server that cannot be reached is asked again. */
export function shouldRetry(failures: number, error: Error): boolean {
  const passing = error instanceof ApiError && (error.status === 0 || error.status >= 502);
  return passing && failures < RETRIES_MAX;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: FRESH_MS, retry: shouldRetry, networkMode: "always" },
    mutations: { retry: false, networkMode: "always" },
  },
});
