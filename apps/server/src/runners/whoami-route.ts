import { WhoamiReply } from "@windshift/contract/runner.ts";
import type { Database } from "../db/database.ts";
import { runnerOf } from "../http/api-env.ts";
import { jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";

/** For `windshift-runner doctor`: tells whether a credential is valid without doing what a claim or a heartbeat does. */
export function addWhoamiRoute(table: RouteTable, database: Database): void {
  table.add(
    {
      method: "get",
      path: "/api/runner/whoami",
      access: "runner",
      summary: "Say which runner a credential belongs to; changes nothing",
      responses: { 200: jsonReply(WhoamiReply, "The runner and its pool") },
    },
    async (c) => {
      const row = await database.kysely
        .selectFrom("runners")
        .innerJoin("pools", "pools.id", "runners.pool_id")
        .select([
          "runners.name",
          "runners.instance",
          "runners.drain_asked",
          "runners.alert",
          "pools.name as pool",
        ])
        .where("runners.id", "=", runnerOf(c).runnerId)
        .executeTakeFirstOrThrow();
      const { name, instance, pool, drain_asked, alert } = row;
      return c.json({ name, instance_id: instance, pool, drain: drain_asked === 1, alert }, 200);
    },
  );
}
