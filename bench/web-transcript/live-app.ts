import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import type { Browser, BrowserContextOptions } from "playwright-core";
import type { BenchReport } from "../bench.ts";
import { compilePrograms } from "../programs.ts";
import { type LiveBenchRun, startLiveBenchRun } from "./live-run.ts";
import { signIn } from "./sign-in.ts";
import { launchChromium } from "./tab.ts";

/** What the pages of a real server are measured with. */
export interface LiveApp {
  run: LiveBenchRun;
  browser: Browser;
  /** Opens tabs of the administrator. */
  signedIn: BrowserContextOptions;
}

/** Starts a server with a live run and a browser, and leaves nothing of them behind. */
export async function withLiveApp(
  report: BenchReport,
  measure: (app: LiveApp) => Promise<void>,
): Promise<void> {
  using dir = tempDir();
  const { server: program } = await compilePrograms(join(dir.path, "bin"), report);
  const run = await startLiveBenchRun(program, dir.path);
  try {
    const { browser, close } = await launchChromium();
    try {
      await measure({ run, browser, signedIn: await signIn(browser, run.url) });
    } finally {
      await close();
    }
  } finally {
    await run.stop();
  }
}
