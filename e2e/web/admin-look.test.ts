import { expect, setDefaultTimeout, test } from "bun:test";
import { addHost, createPool, mintToken } from "../../apps/server/src/testing/test-host.ts";
import { lookAt } from "./page-looks.ts";
import { useScene } from "./web.fixture.ts";

// Each page is looked at four times.
setDefaultTimeout(120_000);

const scene = useScene({ workspace: "DEMO" });

test("pages of pools have no violation and fit a phone", async () => {
  const labels = ["gpu", `l${"o".repeat(60)}ng`];
  const pool = await createPool(scene.ada, { name: `p${"o".repeat(70)}l`, labels });
  const host = await addHost(scene.server, scene.ada, pool);
  await mintToken(scene.ada, pool);
  Object.assign(host.state, { labels });
  await host.heartbeat();
  await host.restarted().heartbeat();
  await host.heartbeat();
  await lookAt(scene.tab.page, ["/admin/runners", `/admin/runners/${pool.id}`]);
});

test("pages of users and the audit log have no violation and fit a phone", async () => {
  await lookAt(scene.tab.page, ["/admin/users", "/admin/audit"]);
});

test("pages of usage and workspaces have no violation and fit a phone", async () => {
  await lookAt(scene.tab.page, ["/admin/usage", "/admin/workspaces"]);
});

test("pages of backups and one's account have no violation and fit a phone", async () => {
  await lookAt(scene.tab.page, ["/admin/backup", "/account"]);
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
