import { expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import type { Page } from "playwright-core";
import { type LiveRun, startLiveRun } from "../../apps/server/src/testing/test-workspace.ts";
import { openCutLink } from "./cut-link.ts";
import { emit, openPage, signIn, useScene } from "./web.fixture.ts";

setDefaultTimeout(60_000);

const scene = useScene({ workspace: "DEMO", signedIn: false });

/** Each is a row of its own, so that a loss and a double both show. */
function speech(from: number, to: number) {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    type: "message" as const,
    data: { role: "agent", text: `number ${from + index}` },
  }));
}

async function numbersOf(page: Page): Promise<number[]> {
  const texts = await page.locator(".entry-speech").allTextContents();
  return texts.map((text) => Number(/number (\d+)/.exec(text)?.[1]));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

async function openRun(page: Page, run: LiveRun): Promise<void> {
  await page.goto(`/items/${run.item.key}/runs/${run.runId}`);
  await page.getByText("Live", { exact: true }).waitFor();
}

test("nothing is lost or doubled when the connection is cut and comes back, several times", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const link = await openCutLink(scene.server.url);
  const { page, context } = await openPage(scene.browser, scene.server, { baseURL: link.url });
  await signIn(page);
  await emit(scene.server, run, 1, speech(1, 2));
  await openRun(page, run);
  for (const round of [1, 2, 3]) {
    await emit(scene.server, run, round * 2 + 1, speech(round * 2 + 1, round * 2 + 1));
    await link.cut();
    await page.getByText("Connection lost; trying again…").waitFor();
    await emit(scene.server, run, round * 2 + 2, speech(round * 2 + 2, round * 2 + 2));
    await link.mend();
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByText(`number ${round * 2 + 2}`, { exact: false }).waitFor();
    expect(await numbersOf(page)).toEqual(upTo(round * 2 + 2));
  }
  await context.close();
  await link.close();
});

test("a tab in the background gives its connection back, and misses and doubles nothing when it returns", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  const { page, context } = await openPage(scene.browser, scene.server);
  await signIn(page);
  await emit(scene.server, run, 1, speech(1, 1));
  await openRun(page, run);
  await page.getByText("number 1").waitFor();
  await page.evaluate(setHidden, true);
  await page.getByText("Live", { exact: true }).waitFor({ state: "detached" });
  await emit(scene.server, run, 2, speech(2, 2));
  await page.evaluate(setHidden, false);
  await page.getByText("number 2").waitFor();
  await emit(scene.server, run, 3, speech(3, 3));
  await page.getByText("number 3").waitFor();
  expect(await numbersOf(page)).toEqual([1, 2, 3]);
  await context.close();
});

test("a long run opens at its end and follows it, until somebody scrolls up; its start is a click away", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  for (let from = 1; from <= 1_500; from += 100) await emit(scene.server, run, from, speech(from, from + 99));
  const { page, context } = await openPage(scene.browser, scene.server);
  await signIn(page);
  await openRun(page, run);
  const rows = page.getByRole("region", { name: `Transcript of run ${run.runId}` });
  await rows.getByText("number 1500", { exact: false }).waitFor();
  expect(await page.locator(".transcript-row").count()).toBeLessThan(120);
  await emit(scene.server, run, 1_501, speech(1_501, 1_501));
  await rows.getByText("number 1501").waitFor();
  expect(await rows.getByText("number 1501").isVisible()).toBe(true);

  await rows.hover();
  await page.mouse.wheel(0, -3_000);
  await page.getByRole("button", { name: "Follow" }).waitFor();
  const before = await rows.evaluate((element) => element.scrollTop);
  await emit(scene.server, run, 1_502, speech(1_502, 1_530));
  await page.getByText("1,530 events").waitFor();
  expect(Math.abs((await rows.evaluate((element) => element.scrollTop)) - before)).toBeLessThan(5);
  await page.getByRole("button", { name: "Follow" }).click();
  await rows.getByText("number 1530").waitFor();

  await page.getByRole("button", { name: "Start", exact: true }).click();
  await rows.getByText("agent: number 1", { exact: true }).waitFor();
  // Every row between comes in its place while somebody scrolls through.
  const seen = new Set<number>();
  await eventually(
    "all rows were in sight once, in order",
    async () => {
      if ((await page.locator(".transcript-gap").count()) > 0) return false;
      const shown = await numbersOf(page);
      if (shown.some((number, index) => number !== (shown[0] ?? 0) + index)) throw new Error(`${shown}`);
      for (const number of shown) seen.add(number);
      await rows.evaluate((element) => element.scrollBy(0, element.clientHeight));
      return seen.size === 1_530;
    },
    50_000,
  );
  await context.close();
});

test("a search finds what is not loaded, leads there and marks it", async () => {
  const run = await startLiveRun(scene.server, scene.ada, scene.workspace);
  for (let from = 1; from <= 1_900; from += 100) await emit(scene.server, run, from, speech(from, from + 99));
  const { page, context } = await openPage(scene.browser, scene.server);
  await signIn(page);
  await openRun(page, run);
  await page.getByLabel("Search the transcript").fill("Number 77");
  const found = page.getByRole("region", { name: "Found in the transcript" });
  await found.getByText("Found in 11 events").waitFor();
  await found.getByRole("button", { name: "number 777" }).click();
  const row = page.locator(".transcript-found");
  await row.getByText("777").waitFor();
  expect(await row.locator("mark").textContent()).toBe("number 77");
  await context.close();
});

/** Runs in the page: what a browser does when its tab goes to the background, which headless tabs never do. */
function setHidden(hidden: boolean): void {
  const state = hidden ? "hidden" : "visible";
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}
