import type { RunId } from "@windshift/contract/ids.ts";
import { cancelRun } from "../../apps/server/src/runs/run-cancel.ts";
import { triggerRun } from "../../apps/server/src/runs/run-triggers.ts";
import type { Seeded } from "../faults-harness/seeded.ts";
import { DEFAULTS } from "./simulated-server.ts";
import type { World } from "./world.ts";

/** Parts of all assignments: by the first workspace, which floods; to an item that has one already; asked for twice at once. */
const FLOODS = 0.4;
const AGAIN = 0.1;
const TWICE = 0.05;
/** So many runs wait at most: people do not ask faster for ever. */
const QUEUED_MAX = 400;
const PAUSE_MS_MAX = 200;
const CANCEL_PAUSE_MS_MAX = 30_000;
const ITEMS_KEPT = 200;

/** People assign items until so many runs were asked for; what no server answered, they ask for again. */
export async function assignAll(world: World, seeded: Seeded, runs: number): Promise<void> {
  const { clock, workspaces } = world;
  const items: { workspace: number; item: number }[] = [];
  while (world.auditor.size < runs) {
    await clock.sleep(10 * seeded.between(0, PAUSE_MS_MAX / 10));
    if (world.auditor.openCount > QUEUED_MAX) continue;
    const workspace = seeded.next() < FLOODS ? (workspaces[0] as number) : seeded.pick(workspaces);
    const isAgain = items.length > 0 && seeded.next() < AGAIN;
    const on = isAgain ? seeded.pick(items) : { workspace, item: await world.createItem(workspace) };
    if (!isAgain) items[items.length < ITEMS_KEPT ? items.length : seeded.between(0, ITEMS_KEPT - 1)] = on;
    await Promise.all(Array.from({ length: seeded.next() < TWICE ? 2 : 1 }, () => assign(world, on)));
  }
}

async function assign(
  { network, agent, person, assigned }: World,
  { workspace, item }: { workspace: number; item: number },
): Promise<void> {
  const request = {
    workspaceId: workspace,
    workItemId: item,
    agentUserId: agent,
    requestedBy: person,
    trigger: "assignee" as const,
  };
  const made = await network
    .send(
      () => false,
      (server) =>
        server.call((database) =>
          database.transaction((tx) => triggerRun(database, tx, request, DEFAULTS, undefined)),
        ),
    )
    .catch(() => undefined);
  if (made !== undefined) assigned.push(made.run);
}

/** Now and then somebody cancels a run, whatever it is doing. */
export async function cancelSome(world: World, seeded: Seeded): Promise<void> {
  const { clock, auditor, network, person, faults } = world;
  while (!world.isOver) {
    await clock.sleep(10 * seeded.between(1, CANCEL_PAUSE_MS_MAX / 10));
    const open = auditor.open();
    if (open.length === 0) continue;
    const { run } = seeded.pick(open);
    const force = seeded.next() < 0.5;
    faults.canceled = (faults.canceled ?? 0) + 1;
    await network
      .send(
        () => false,
        (server) => server.call((database) => cancelRun(database, run as RunId, person, force, DEFAULTS)),
      )
      .catch(() => undefined);
  }
}
