import { expect, test } from "bun:test";
import { prepareTranscript, takePrepared } from "./prepared-transcript.ts";
import { TranscriptPages } from "./transcript-pages.ts";

// No server answers here: what is opened stays closed, as when one is away.
const prepare = (run: number, live: boolean) => prepareTranscript(run, live, 0);

test("the page that comes takes what was prepared for it, once", async () => {
  await prepare(4, true);
  expect(takePrepared(4, true, 1_999)).toBeInstanceOf(TranscriptPages);
  expect(takePrepared(4, true, 1_999)).toBeUndefined();
});

test("what nobody took is not handed out later, nor after the run has ended, nor to another run's page", async () => {
  await prepare(4, true);
  expect(takePrepared(4, true, 2_000)).toBeUndefined();
  await prepare(4, true);
  expect(takePrepared(4, false, 1)).toBeUndefined();
  await prepare(4, false);
  expect(takePrepared(5, false, 1)).toBeUndefined();
  expect(takePrepared(4, false, 1)).toBeUndefined();
});
