import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type AuditFilter, AuditPage } from "@windshift/contract/api/audit.ts";
import { BackupList } from "@windshift/contract/api/backup.ts";
import { Pool, RegistrationTokenRow, RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { AdminUsage } from "@windshift/contract/api/usage.ts";
import { AdminUserPage } from "@windshift/contract/api/user.ts";
import { z } from "zod";
import { getApi, queryString } from "../api/api.ts";

const AT = "/api/v1/admin";
/** How often what changes by itself is read anew, ms. */
const LIVE_MS = 5_000;

export const poolsQuery = queryOptions({
  queryKey: ["admin", "pools"],
  queryFn: ({ signal }) => getApi(`${AT}/pools`, z.object({ pools: z.array(Pool) }), signal),
});

/** Pools and their runners as they are now. */
export const diagnosticsQuery = queryOptions({
  queryKey: ["admin", "diagnostics"],
  queryFn: ({ signal }) => getApi(`${AT}/diagnostics/runner-pools`, RunnerPoolsReply, signal),
  refetchInterval: LIVE_MS,
});

/** What registers hosts in a pool, without the secrets; anew every few seconds, as hosts use them up. */
export function registrationTokensQuery(pool: number) {
  return queryOptions({
    queryKey: ["admin", "registration-tokens", pool],
    queryFn: ({ signal }) =>
      getApi(
        `${AT}/pools/${pool}/registration-tokens`,
        z.object({ tokens: z.array(RegistrationTokenRow) }),
        signal,
      ),
    refetchInterval: LIVE_MS,
  });
}

/**
 * All accounts step by step.
 * @param q narrows them; empty for everyone
 */
export function usersQuery(q: string) {
  return infiniteQueryOptions({
    queryKey: ["admin", "users", q],
    queryFn: ({ pageParam, signal }) =>
      getApi(`${AT}/users${queryString({ q, after: pageParam })}`, AdminUserPage, signal),
    initialPageParam: "",
    getNextPageParam: ({ next_after }) => next_after,
  });
}

/** @param at where the log is: of the installation, or of a workspace */
export function auditQuery(at: string, filter: AuditFilter) {
  return infiniteQueryOptions({
    queryKey: ["audit", at, filter],
    queryFn: ({ pageParam, signal }) =>
      getApi(
        `${at}${queryString({ ...filter, before: pageParam === 0 ? undefined : pageParam })}`,
        AuditPage,
        signal,
      ),
    initialPageParam: 0,
    getNextPageParam: ({ next_before }) => next_before,
  });
}

/**
 * Tokens and cost of the whole installation.
 * @param month UTC, such as `2026-03`; undefined for the current one
 */
export function adminUsageQuery(month: string | undefined) {
  return queryOptions({
    queryKey: ["admin", "usage", month],
    queryFn: ({ signal }) => getApi(`${AT}/usage${queryString({ month })}`, AdminUsage, signal),
  });
}

export const backupsQuery = queryOptions({
  queryKey: ["admin", "backups"],
  queryFn: ({ signal }) => getApi(`${AT}/backups`, BackupList, signal),
  refetchInterval: ({ state }) =>
    state.data?.backups.some((one) => one.state === "running") ? LIVE_MS / 5 : false,
});
