/** @jsxImportSource hono/jsx */
import { Pool, RegistrationTokenRow, RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { Me } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { PoolId } from "@windshift/contract/ids.ts";
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { z } from "zod";
import type { ApiEnv } from "../http/api-env.ts";
import type { PageApi } from "./page-api.ts";
import { PoolPage } from "./pool-page.tsx";
import { PoolsPage, type PoolView } from "./pools-page.tsx";

type Render = (api: PageApi, c: Context<ApiEnv>) => Promise<Child>;

const AT = "/api/v1/admin";

/** The pages for administrators of the installation about pools and runners. Others get the page of the API's refusal. */
export function addPoolPages(page: (path: string, render: Render) => void): void {
  page("/admin/runners", async (api) => {
    const pools = await readPools(api);
    return <PoolsPage me={await api.get("/api/v1/me", Me)} pools={pools} />;
  });
  page("/admin/runners/:pool", async (api, c) => {
    const id = PoolId.safeParse(Number(c.req.param("pool")));
    const view = (await readPools(api)).find(({ pool }) => id.success && pool.id === id.data);
    if (view === undefined) throw new AppError("not_found", "not found");
    const path = `${AT}/pools/${view.pool.id}/registration-tokens`;
    const { tokens } = await api.get(path, z.object({ tokens: z.array(RegistrationTokenRow) }));
    return <PoolPage me={await api.get("/api/v1/me", Me)} view={view} tokens={tokens} />;
  });
}

/** Every pool with how it is now, by name. */
async function readPools(api: PageApi): Promise<PoolView[]> {
  const { pools } = await api.get(`${AT}/pools`, z.object({ pools: z.array(Pool) }));
  const seen = await api.get(`${AT}/diagnostics/runner-pools`, RunnerPoolsReply);
  return pools.flatMap((pool) => {
    const now = seen.pools.find((one) => one.pool === pool.name);
    // One that was made between the two answers comes with the next look.
    return now === undefined ? [] : { pool, now };
  });
}
