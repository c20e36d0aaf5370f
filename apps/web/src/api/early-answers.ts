/**
 * Answers of the server that were asked for in the head of the page, before the app was there, by their path. The head has its
 * own script (`src/early/early.ts`), which shares nothing with the app but this map.
 */
declare global {
  var earlyAnswers: Map<string, Promise<Response>> | undefined;
}

/** The answer to a path that was asked for early, once; undefined when it was not, or when that failed. */
export async function takeEarlyAnswer(path: string): Promise<Response | undefined> {
  const answer = globalThis.earlyAnswers?.get(path);
  if (answer === undefined) return undefined;
  globalThis.earlyAnswers?.delete(path);
  return await answer.catch(() => undefined);
}
