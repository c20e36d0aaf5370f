/**
 * Runs in the head of the page, before the app is there: asks the server for what the app will ask for first, so that answers
 * and code come beside each other. It knows nothing but addresses. What it gets wrong is asked for again by the app, and what
 * nobody takes is forgotten.
 */
import { readPaths } from "../api/read-paths.ts";

/** What was asked for early is taken for fresh so long, ms. */
const KEPT_MS = 10_000;
const answers = new Map<string, Promise<Response>>();
globalThis.earlyAnswers = answers;
setTimeout(() => {
  globalThis.earlyAnswers = undefined;
}, KEPT_MS);

const { pathname } = location;
const item = /^\/items\/([A-Z][A-Z0-9]{1,9}-[1-9]\d*)(?:\/runs\/([1-9]\d*))?$/.exec(pathname);
if (pathname === "/login" || pathname === "/setup") ask(readPaths.setup);
else ask(readPaths.me);
if (item?.[1] !== undefined && item[2] === undefined) {
  ask(readPaths.item(item[1]));
  ask(readPaths.comments(item[1], 0));
  ask(readPaths.activity({ item: item[1] }));
  read<{ runs: { id: number }[] }>(readPaths.itemRuns(item[1]), ({ runs: [newest] }) => {
    if (newest !== undefined) askRun(newest.id);
  });
} else if (item?.[2] !== undefined) {
  askRun(Number(item[2]));
}

/** The run, and its transcript as it opens. */
function askRun(run: number): void {
  ask(readPaths.run(run));
  ask(readPaths.outline(run));
  ask(readPaths.runUsage(run));
}

function ask(path: string): Promise<Response> {
  const answer = fetch(path, { credentials: "same-origin" });
  // Who takes it sees the failure; one that nobody takes is no fault of the page.
  answer.catch(() => undefined);
  answers.set(path, answer);
  return answer;
}

function read<T>(path: string, then: (body: T) => void): void {
  ask(path)
    .then(async (answer) => {
      if (answer.ok) then(await answer.clone().json());
    })
    .catch(() => undefined);
}
