/**
 * Answers of the server that were asked for in the head of the page, before the app was there, by their path. The head has its
 * own script (`src/early/early.ts`), which shares nothing with the app but this map.
 */
declare global {
  var earlyAnswers: Map<string, Promise<Response>> | undefined;
}

/** Paths that the app itself has asked for. The head may ask for the same a moment later, and nobody would take that answer. */
const asked = new Set<string>();

/**
 * The answer to a path that was asked for early; undefined when it was not, or when that failed. For the first question of the app
 * alone: whoever asks again wants to know what has changed since.
 */
export async function takeEarlyAnswer(path: string): Promise<Response | undefined> {
  const answers = globalThis.earlyAnswers;
  if (answers === undefined) return undefined;
  const answer = asked.has(path) ? undefined : answers.get(path);
  asked.add(path);
  answers.delete(path);
  return await answer?.catch(() => undefined);
}

/** What was asked for early may be wrong from now on, as the app changes something. */
export function dropEarlyAnswers(): void {
  globalThis.earlyAnswers = undefined;
}
