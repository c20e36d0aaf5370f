import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Browser,
  type BrowserContextOptions,
  type CDPSession,
  chromium,
  type Page,
} from "playwright-core";
import { findChromium } from "../../scripts/setup/ensure-chromium.ts";
import { findProgram } from "../../scripts/setup/ensure-packages.ts";

/** Chromium as people have it where it is there, without anything that talks to the world by itself. */
const CHROMIUM = {
  executablePath: findProgram("chromium") ?? findChromium() ?? "/usr/bin/chromium",
  args: [
    ...[
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
    ],
    ...["--disable-component-update", "--disable-sync", "--js-flags=--expose-gc"],
  ],
};

/** Starts a browser with a home of its own, which goes away when it is closed. */
export async function launchChromium(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const home = mkdtempSync(join(tmpdir(), "windshift-bench-"));
  const browser = await chromium.launch({ ...CHROMIUM, env: { ...process.env, HOME: home } });
  const close = async () => {
    await browser.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { browser, close };
}

export interface Tab {
  page: Page;
  devtools: CDPSession;
  close(): Promise<void>;
}

/** A tab without anything in its cache. */
export async function openTab(browser: Browser, options: BrowserContextOptions): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const devtools = await context.newCDPSession(page);
  return { page, devtools, close: () => context.close() };
}

/** When something that `selector` names was first drawn, ms since the page was asked for. Call before the page is opened. */
export async function noteFirstDrawn(page: Page, selector: string): Promise<() => Promise<number>> {
  await page.addInitScript(`
    window.drawnAt = new Promise((resolve) => {
      const look = () => document.querySelector(${JSON.stringify(selector)}) === null
        ? requestAnimationFrame(look)
        : requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      look();
    });`);
  return () => page.evaluate("window.drawnAt");
}

/** When the page could be used: the control is there and the main thread was last busy for long, ms since it was asked for. */
export async function noteInteractive(page: Page, selector: string): Promise<() => Promise<number>> {
  await page.addInitScript(`
    window.busyUntil = 0;
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) busyUntil = Math.max(busyUntil, startTime + duration);
    }).observe({ type: "longtask", buffered: true });`);
  const drawn = await noteFirstDrawn(page, selector);
  return async () => {
    const at = await drawn();
    // Quiet for half a second: what is busy after that is not the start of the page.
    const quiet = `new Promise((resolve) => {
      const look = () => performance.now() - Math.max(busyUntil, ${at}) > 500
        ? resolve(Math.max(busyUntil, ${at}))
        : setTimeout(look, 50);
      look();
    })`;
    return page.evaluate(quiet);
  };
}

/** Processor time of the page's main thread from now on, ms; what other programs take of the machine is not in it. */
export async function processorMs(devtools: CDPSession): Promise<() => Promise<number>> {
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const read = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    const spent = metrics.find(({ name }) => name === "TaskDuration")?.value;
    if (spent === undefined) throw new Error("the browser does not tell of its tasks");
    return spent * 1_000;
  };
  const before = await read();
  return async () => (await read()) - before;
}

/** Memory of the page's scripts after a collection, MB. */
export async function heapMb(devtools: CDPSession): Promise<number> {
  await devtools.send("HeapProfiler.enable");
  await devtools.send("HeapProfiler.collectGarbage");
  await devtools.send("Performance.enable");
  const { metrics } = await devtools.send("Performance.getMetrics");
  const used = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value;
  if (used === undefined) throw new Error("the browser does not tell of its heap");
  return used / 1_048_576;
}

/** Scrolls by steps, one a frame, and gives the time of each frame, ms. */
export function frameTimes(page: Page, selector: string, frames: number, stepPx: number): Promise<number[]> {
  return page.evaluate(`new Promise((resolve) => {
    const list = document.querySelector(${JSON.stringify(selector)});
    const times = [];
    let before;
    const frame = (now) => {
      if (before !== undefined) times.push(now - before);
      before = now;
      if (times.length >= ${frames}) return resolve(times);
      list.scrollTop += ${stepPx};
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`);
}

/** What the network brought, bytes as they came over it. */
export async function countBytes(devtools: CDPSession): Promise<() => number> {
  let bytes = 0;
  await devtools.send("Network.enable");
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  return () => bytes;
}
