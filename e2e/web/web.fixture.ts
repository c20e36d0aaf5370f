import { afterAll, beforeAll } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { assert } from "@windshift/contract/app-error.ts";
import { RunEvent } from "@windshift/contract/event.ts";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { appendEvents } from "../../apps/server/src/runs/run-events.ts";
import type { TestClient } from "../../apps/server/src/testing/test-client.ts";
import { startTestServer, type TestServer } from "../../apps/server/src/testing/test-server.ts";
import {
  createTestWorkspace,
  type LiveRun,
  type TestWorkspace,
} from "../../apps/server/src/testing/test-workspace.ts";
import { findChromium } from "../../scripts/setup/ensure-chromium.ts";

/** Debian's Chromium, without anything that talks to the world by itself. */
const CHROMIUM = {
  executablePath: process.env.WINDSHIFT_TEST_CHROMIUM ?? findChromium() ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** What a page may take for one step on a loaded machine, ms; only a failing test waits for it. */
const PAGE_MS_MAX = 30_000;

/** To start a server and a browser on a loaded machine, or to end them, ms. */
const SCENE_MS_MAX = 120_000;

/** As BASE_URL would be; not where the server listens, so that links are seen to stay where the reader is. */
export const PUBLIC_URL = "http://windshift.test";

/** The real server's routes and the bundled app, reached by another address than BASE_URL says. */
export function startWebServer(): Promise<TestServer> {
  return startTestServer({ baseUrl: PUBLIC_URL });
}

/** Of this process: a start takes longer than many a test, and contexts share nothing. */
let running: Promise<Browser> | undefined;

/** This process's browser; `close` closes what was opened in it. It ends with the process. */
export async function launchBrowser(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const before = await running?.catch(() => undefined);
  running = before?.isConnected() ? Promise.resolve(before) : startBrowser();
  const browser = await running;
  return {
    browser,
    close: async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
  };
}

/** With a home that is not the person's; its profile is its own anyway. */
function startBrowser(): Promise<Browser> {
  const home = join(tmpdir(), "windshift-chromium-home");
  mkdirSync(home, { recursive: true });
  return chromium.launch({ ...CHROMIUM, env: { ...process.env, HOME: home } });
}

/** A tab that notes what must never happen. */
export interface WatchedPage {
  page: Page;
  context: BrowserContext;
  /** Requests to anywhere but the server. */
  foreign: string[];
  /** Errors of scripts, violations of the content security policy among them. */
  errors: string[];
}

/**
 * What the browser itself notes, and no page has said: answers that are not 2xx, since refusing is part of some tests, and connections that
 * a machine under load has lost, which pages open again.
 */
const BROWSER_NOTE =
  /^Failed to load resource: .*(?:status of 4\d\d|net::ERR_(?:CONNECTION_(?:RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|NETWORK_CHANGED)\b)/;

export async function openPage(
  browser: Browser,
  server: Pick<TestServer, "url">,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: server.url, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_MS_MAX);
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(`${server.url}/`)) foreign.push(request.url());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !BROWSER_NOTE.test(message.text())) errors.push(message.text());
  });
  return { page, context, foreign, errors };
}

/** Signs in through the form, with the password that all people of a test have. */
export async function signIn(page: Page, email = "ada@example.test"): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "My work" }).waitFor();
}

export interface SceneOptions {
  /** Key of a workspace to make, with a repository and a bound agent. */
  workspace?: string;
  /** Whether there is a tab in which the administrator is signed in; so by default. */
  signedIn?: boolean;
}

/** What nearly every test of pages needs, from the first test of a file to its last. */
export class WebScene {
  private parts: { server?: TestServer; ada?: TestClient; workspace?: TestWorkspace; tab?: WatchedPage } = {};
  private chromium: Awaited<ReturnType<typeof launchBrowser>> | undefined;

  async open(options: SceneOptions): Promise<void> {
    [this.parts.server, this.chromium] = await Promise.all([startWebServer(), launchBrowser()]);
    this.parts.ada = await this.server.setUp();
    if (options.workspace !== undefined)
      this.parts.workspace = await createTestWorkspace(this.ada, options.workspace);
    if (options.signedIn === false) return;
    this.parts.tab = await openPage(this.browser, this.server);
    await signIn(this.tab.page);
  }

  async close(): Promise<void> {
    await this.chromium?.close();
    await this.parts.server?.close();
  }

  get server(): TestServer {
    return opened(this.parts.server);
  }
  get browser(): Browser {
    return opened(this.chromium).browser;
  }
  /** The administrator, by the API. */
  get ada(): TestClient {
    return opened(this.parts.ada);
  }
  get workspace(): TestWorkspace {
    return opened(this.parts.workspace);
  }
  /** Where the administrator is signed in. */
  get tab(): WatchedPage {
    return opened(this.parts.tab);
  }
}

function opened<T>(part: T | undefined): T {
  assert(part !== undefined, "the scene has not been opened, or not with this");
  return part;
}

/** Opens a scene before the tests of a file, and closes it after them. */
export function useScene(options: SceneOptions = {}): WebScene {
  const scene = new WebScene();
  beforeAll(() => scene.open(options), SCENE_MS_MAX);
  afterAll(() => scene.close(), SCENE_MS_MAX);
  return scene;
}

/** Writes events as the runner of a live run does. */
export async function emit(
  server: TestServer,
  run: Pick<LiveRun, "runId" | "attempt">,
  fromSeq: number,
  events: readonly Pick<RunEvent, "type" | "data">[],
): Promise<void> {
  const at = new Date().toISOString();
  const numbered = events.map((event, index) => RunEvent.parse({ ...event, at, seq: fromSeq + index }));
  const reply = await appendEvents(server.database, run.runId, run.attempt, numbered);
  if (reply.kind !== "accepted") throw new Error("the run is not live");
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * What axe-core finds wrong with a page as it stands: rule and place, a line each. Size of targets is looked at too.
 * @param within selector of the part to look at, where something open covers the rest
 */
export async function findViolations(page: Page, within = "html"): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(`axe
    .run(${JSON.stringify(within)}, { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + " " + target.join(" ") + ": " + failureSummary)))`);
}

/** How far a page can be scrolled sideways, px; 0 is right. */
export function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

/**
 * The screens that pages are looked at on: both color schemes with the menu beside the page, and the narrowest screen. Colors do
 * not depend on the width, so the fourth would show nothing more.
 */
export const LOOKS = [
  { width: 1_280, colorScheme: "light" },
  { width: 1_280, colorScheme: "dark" },
  { width: 360, colorScheme: "dark" },
] as const;
