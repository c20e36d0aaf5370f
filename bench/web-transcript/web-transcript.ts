import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
import { type LiveApp, withLiveApp } from "./live-app.ts";
import { longStory } from "./long-story.ts";
import { plainListPage } from "./plain-list.ts";
import { frameTimes, heapMb, noteFirstDrawn, openTab } from "./tab.ts";

const EVENTS = 100_000;
const ROUNDS = 5;
const LIVE_ROUNDS = 30;
/** Frames of one scroll, and how far each goes, px: 6,000 px a second are a fast wheel. */
const FRAMES = 300;
const STEP_PX = 100;
/** Bars. Source: PERFORMANCE, "Web". */
const OPEN_MS_MAX = 1_000;
const HEAP_MB_MAX = 150;
const LIVE_MS_MAX = 300;
/** A frame against one of a page with nothing but a list, which the machine could not draw faster. */
const FRAME_RATIO_MAX = 1.25;

const bench = "web-transcript";
const ROWS = ".transcript-rows";

export const webTranscript: Bench = {
  name: bench,
  about: "the page of a run with 100,000 events in a browser: opening, scrolling, memory, a live event",
  run: (report) =>
    withLiveApp(report, async (app) => {
      report.progress(`storing ${EVENTS} events`);
      await app.run.emit(longStory(EVENTS));
      await measureOpening(report, app);
      await measureScrolling(report, app);
      await measureLive(report, app);
    }),
};

async function measureOpening(report: BenchReport, { browser, run, signedIn }: LiveApp): Promise<void> {
  const drawn: number[] = [];
  const heap: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const { page, devtools, close } = await openTab(browser, signedIn);
    const firstDrawn = await noteFirstDrawn(page, ".transcript-row");
    await page.goto(run.page);
    drawn.push(await firstDrawn());
    heap.push(await heapMb(devtools));
    await close();
    report.progress(`opened in ${drawn.at(-1)?.toFixed(0)} ms, ${heap.at(-1)?.toFixed(1)} MB`);
  }
  report.figure(
    absoluteFigure(
      { bench, metric: "address to first rows, empty cache", unit: "ms", bar: OPEN_MS_MAX },
      drawn.slice(1),
    ),
  );
  report.figure(
    absoluteFigure({ bench, metric: "heap when opened", unit: "MB", bar: HEAP_MB_MAX }, heap.slice(1)),
  );
}

/** From the start at reading speed beside a bare list, then through all of it as fast as it goes. */
async function measureScrolling(report: BenchReport, { browser, run, signedIn }: LiveApp): Promise<void> {
  const own = await openTab(browser, signedIn);
  await own.page.goto(run.page);
  await own.page.locator(".transcript-row").first().waitFor();
  await own.page.getByRole("button", { name: "Start", exact: true }).click();
  await own.page.getByText("Step 0:").first().waitFor();
  const bare = await openTab(browser, {});
  await bare.page.setContent(plainListPage(EVENTS));
  const frames: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    await own.page.bringToFront();
    const ours = await frameTimes(own.page, ROWS, FRAMES, STEP_PX);
    await bare.page.bringToFront();
    const theirs = await frameTimes(bare.page, "#list", FRAMES, STEP_PX);
    report.progress(
      `frames: ${percentile(ours, 0.95).toFixed(1)} ms, floor ${percentile(theirs, 0.95).toFixed(1)}`,
    );
    if (round === 0) continue;
    frames.push(percentile(ours, 0.95));
    floor.push(percentile(theirs, 0.95));
  }
  await bare.close();
  const subject = { bench, unit: "ms" } as const;
  report.figure(
    relativeFigure(
      { ...subject, metric: "frame while scrolling, p95", bar: FRAME_RATIO_MAX },
      frames,
      "bare list of as many rows",
      floor,
    ),
  );
  await own.page.bringToFront();
  const height = await own.page.evaluate<number>(`document.querySelector("${ROWS}").scrollHeight`);
  const through = await frameTimes(own.page, ROWS, 900, Math.ceil(height / 900));
  report.figure(
    absoluteFigure({ ...subject, metric: "frame while flying from top to bottom, p95", bar: null }, [
      percentile(through, 0.95),
    ]),
  );
  await own.page
    .getByText(/^Loading \d/)
    .first()
    .waitFor({ state: "detached" });
  const heap = await heapMb(own.devtools);
  report.figure(
    absoluteFigure({ bench, metric: "heap after all was scrolled", unit: "MB", bar: HEAP_MB_MAX }, [heap]),
  );
  await own.close();
}

/** From before the runner sends an event until its row is drawn; both read the clock of this machine. */
async function measureLive(report: BenchReport, { browser, run, signedIn }: LiveApp): Promise<void> {
  const { page, close } = await openTab(browser, signedIn);
  await page.goto(run.page);
  await page.locator(".transcript[data-stream=open]").waitFor();
  const times: number[] = [];
  for (let round = 0; round <= LIVE_ROUNDS; round++) {
    const words = `live event number ${round}.`;
    await page.evaluate(`window.seenAt = new Promise((resolve) => {
      const look = () => document.querySelector("${ROWS}").textContent.includes(${JSON.stringify(words)})
        ? requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())))
        : requestAnimationFrame(look);
      look();
    }); undefined`);
    const sentMs = performance.timeOrigin + performance.now();
    await run.emit([{ type: "message", data: { role: "agent", text: words } }]);
    times.push((await page.evaluate<number>("window.seenAt")) - sentMs);
  }
  const subject = { bench, unit: "ms" } as const;
  report.figure(absoluteFigure({ ...subject, metric: "event to pixel", bar: LIVE_MS_MAX }, times.slice(1)));
  report.figure(
    absoluteFigure({ ...subject, metric: "event to pixel, p95", bar: LIVE_MS_MAX }, [
      percentile(times.slice(1), 0.95),
    ]),
  );
  await close();
}

function percentile(sample: readonly number[], part: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
}
