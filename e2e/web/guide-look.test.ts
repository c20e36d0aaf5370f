import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { lookAt } from "./page-looks.ts";
import { useScene } from "./web.fixture.ts";

// Each page is looked at four times.
setDefaultTimeout(120_000);

const scene = useScene({ workspace: "DEMO" });
beforeAll(async () => {
  const at = "/api/v1/workspaces/DEMO";
  await scene.ada.post("/api/v1/workspaces", { key: "NEW", name: `Long ${"name".repeat(20)}` });
  await scene.ada.post(`${at}/labels`, { name: "l".repeat(50), color: "#ffff00" });
  // One with a problem, and a price and budgets with some use.
  await scene.ada.post(`/api/v1/connections/${scene.workspace.llm.id}/check`);
  const model = `/api/v1/connections/${scene.workspace.llm.id}/models/${"long-name".repeat(10)}`;
  await scene.ada.send("PUT", model, { input_price: 2_500_000, output_price: 10_000_000 });
  await scene.ada.send("PUT", `${at}/budget`, { tokens_max: 50_000, cost_micros_max: 500_000 });
});

const settings = (part: string) => `/w/DEMO/settings/${part}`;

test("the guide has no violation and fits a phone, at its beginning and at its end", async () => {
  await lookAt(scene.tab.page, ["/w/NEW/setup", "/w/DEMO/setup"]);
});

test("pages of models and budgets have no violation and fit a phone", async () => {
  await lookAt(scene.tab.page, [settings(`connections/${scene.workspace.llm.id}`), settings("budgets")]);
});

test("pages of labels, the workspace itself and its log have no violation and fit a phone", async () => {
  await lookAt(scene.tab.page, [settings("labels"), settings("general"), settings("audit")]);
});

test("no page asks anything of another address or breaks its own rules", () => {
  expect({ foreign: scene.tab.foreign, errors: scene.tab.errors }).toEqual({ foreign: [], errors: [] });
});
