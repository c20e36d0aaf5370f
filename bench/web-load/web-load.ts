import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure } from "../figure.ts";
import { type LiveApp, withLiveApp } from "../web-transcript/live-app.ts";
import { longStory } from "../web-transcript/long-story.ts";
import { countBytes, noteInteractive, openTab, processorMs } from "../web-transcript/tab.ts";
import { type FloorPages, serveFloorPages } from "./floor-pages.ts";

const EVENTS = 100;
const ROUNDS = 7;
/** Bars. Source: PERFORMANCE, "Web". */
const FIRST_LOAD_BYTES_MAX = 300 * 1_024;
const INTERACTIVE_MS_MAX = 1_500;
const SLOWED = 4;

const bench = "web-load";
/** Ready in every page of the floor. */
const FLOOR_READY = "button[type=submit]";

interface Subject {
  name: string;
  path: string;
  /** The page's main control. */
  ready: string;
  options: BrowserContextOptions;
  /** Uses that control. @throws Error when it does not do what it should */
  use(page: Page): Promise<void>;
}

export const webLoad: Bench = {
  name: bench,
  about: "pages of the app with an empty cache: bytes, time until they can be used, processor time",
  run: (report) =>
    withLiveApp(report, async (app) => {
      await app.run.emit(longStory(EVENTS));
      const floor = await serveFloorPages(app.run.url);
      try {
        for (const subject of subjects(app)) await measure(report, app.browser, floor, subject);
      } finally {
        await floor.stop();
      }
    }),
};

function subjects({ run, signedIn }: LiveApp): Subject[] {
  return [
    {
      name: "/login",
      path: "/login",
      ready: "button[type=submit]",
      options: { baseURL: run.url },
      use: (page) => typeInto(page, "E-mail"),
    },
    {
      name: "an item",
      path: run.item,
      ready: ".run-composer textarea",
      options: signedIn,
      use: (page) => typeInto(page, "Message to the agent"),
    },
  ];
}

async function typeInto(page: Page, label: string): Promise<void> {
  const field = page.getByLabel(label);
  await field.click();
  await page.keyboard.type("words");
  if ((await field.inputValue()) !== "words") throw new Error(`${label} does not take what is typed`);
}

async function measure(
  report: BenchReport,
  browser: Browser,
  floor: FloorPages,
  subject: Subject,
): Promise<void> {
  const { name, path } = subject;
  const bytes: number[] = [];
  const ours: number[] = [];
  const libraries: number[] = [];
  const files: number[] = [];
  const processor: number[] = [];
  const floorProcessor: number[] = [];
  const bare = { ready: FLOOR_READY, options: {} };
  // The first of each shows the browser and the server their own caches and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    const page = await load(browser, subject, path, SLOWED);
    const alone = await load(browser, bare, floor.libraries, SLOWED);
    const unrun = await load(browser, bare, floor.filesOf(path), SLOWED);
    const unslowed = await load(browser, subject, path, 1);
    const floorUnslowed = await load(browser, bare, floor.libraries, 1);
    report.progress(
      `${name}: ${page.usableMs.toFixed(0)} ms, libraries ${alone.usableMs.toFixed(0)}, files ${unrun.usableMs.toFixed(0)}; ` +
        `processor ${unslowed.processorMs.toFixed(0)} ms, libraries ${floorUnslowed.processorMs.toFixed(0)}`,
    );
    if (round === 0) continue;
    bytes.push(page.bytes);
    ours.push(page.usableMs);
    libraries.push(alone.usableMs);
    files.push(unrun.usableMs);
    processor.push(unslowed.processorMs);
    floorProcessor.push(floorUnslowed.processorMs);
  }
  const slowed = `processor slowed ${SLOWED} times`;
  const interactive = { bench, metric: `${name} interactive, ${slowed}`, unit: "ms" } as const;
  report.figure(
    absoluteFigure(
      { bench, metric: `first load of ${name}, compressed`, unit: "bytes", bar: FIRST_LOAD_BYTES_MAX },
      bytes,
    ),
  );
  report.figure(
    absoluteFigure({ ...interactive, bar: INTERACTIVE_MS_MAX }, ours, {
      name: "one button of the same libraries",
      samples: libraries,
    }),
  );
  report.figure(
    absoluteFigure(
      { ...interactive, metric: `files of ${name} fetched, not run, ${slowed}`, bar: null },
      files,
    ),
  );
  report.figure(
    absoluteFigure(
      { bench, metric: `processor time of the main thread of ${name}`, unit: "ms", bar: null },
      processor,
      { name: "one button of the same libraries", samples: floorProcessor },
    ),
  );
}

interface Load {
  usableMs: number;
  bytes: number;
  /** Of the main thread from the start until it was at rest. */
  processorMs: number;
}

async function load(
  browser: Browser,
  subject: Pick<Subject, "ready" | "options"> & Partial<Pick<Subject, "use">>,
  address: string,
  slowed: number,
): Promise<Load> {
  const { page, devtools, close } = await openTab(browser, subject.options);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowed });
  const brought = await countBytes(devtools);
  const spent = await processorMs(devtools);
  const usable = await noteInteractive(page, subject.ready);
  await page.goto(address);
  const usableMs = await usable();
  const measured = { usableMs, bytes: brought(), processorMs: await spent() };
  await subject.use?.(page);
  await close();
  return measured;
}
