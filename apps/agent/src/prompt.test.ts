import { expect, test } from "bun:test";
import { systemPrompt } from "./prompt.ts";
import { OutputStore } from "./tools/output-store.ts";
import { Toolbox } from "./tools/toolbox.ts";
import { Workspace } from "./tools/workspace.ts";

/** The prompt costs this in every run: a rule that is added should push another one out. Tokens by `tokensOf`. */
const PROMPT_TOKENS_MAX = 270;
/** The first request without the task, bytes. Source: PERFORMANCE, "first request bytes", ahead, less a short task. */
const REQUEST_BYTES_MAX = 5_400;

/** Words, numbers and signs. For this prompt it is 1 % over what the tokenizers cl100k and o200k count. */
function tokensOf(text: string): number {
  return text.match(/\p{L}+|\p{N}{1,3}|[^\s\p{L}\p{N}]+/gu)?.length ?? 0;
}

const facts = { workspace: "/workspace", images: false };

test("the prompt keeps to its tokens", () => {
  expect(tokensOf(systemPrompt(facts))).toBeLessThanOrEqual(PROMPT_TOKENS_MAX);
  expect(tokensOf(systemPrompt({ ...facts, images: true }))).toBeLessThanOrEqual(PROMPT_TOKENS_MAX);
});

test("the prompt is the same bytes each time, and speaks of pictures only to a model that sees", () => {
  expect(systemPrompt(facts)).toBe(systemPrompt({ ...facts }));
  expect(systemPrompt(facts)).not.toContain("picture");
  expect(systemPrompt({ ...facts, images: true })).toContain("picture");
});

test("prompt and tools together keep the first request small", () => {
  const outputs = new OutputStore();
  const workspace = Workspace.open(import.meta.dir, outputs.dirs);
  const { signal } = new AbortController();
  for (const images of [false, true]) {
    const toolbox = new Toolbox({ workspace, outputs, env: () => ({}), images, signal }, () => undefined);
    const request = JSON.stringify({
      model: "a-model-of-some-provider",
      tools: toolbox.definitions(),
      messages: [{ role: "system", content: systemPrompt({ ...facts, images }) }],
    });
    expect(Buffer.byteLength(request)).toBeLessThanOrEqual(REQUEST_BYTES_MAX);
  }
});

test("the prompt names only tools there are", () => {
  const outputs = new OutputStore();
  const workspace = Workspace.open(import.meta.dir, outputs.dirs);
  const { signal } = new AbortController();
  const toolbox = new Toolbox({ workspace, outputs, env: () => ({}), images: true, signal }, () => undefined);
  const names = JSON.stringify(toolbox.definitions());
  const said = systemPrompt({ ...facts, images: true }).match(/\b(?:[a-z]+_files?|grep)\b/g) ?? [];
  expect(said.length).toBeGreaterThan(3);
  for (const name of said) expect(names).toContain(`"name":"${name}"`);
});
