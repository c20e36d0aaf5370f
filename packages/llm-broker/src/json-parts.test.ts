import { describe, expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { authorizeChatRequest } from "./chat-request.ts";
import { JsonObject, list } from "./json-parts.ts";
import { targetOf } from "./llm-broker.fixture.ts";
import { JSON_ESCAPES_MAX, JSON_VALUES_MAX } from "./llm-limits.ts";
import { threadMs } from "./thread-time.fixture.ts";

describe("a list", () => {
  const numbers = z.strictObject({ numbers: list(z.strictObject({ n: z.int() }), 1) });

  test("gives what its item gives, in order", () => {
    expect(numbers.parse({ numbers: [{ n: 1 }, { n: 2 }] })).toEqual({ numbers: [{ n: 1 }, { n: 2 }] });
  });

  test("names the first bad part by its place, and no other", () => {
    const { error } = numbers.safeParse({ numbers: [{ n: 1 }, { n: "x" }, { n: "y" }, 7] });
    expect(error?.issues.map(({ path }) => path)).toEqual([["numbers", 1, "n"]]);
    const unknown = numbers.safeParse({ numbers: [{ n: 1, m: 2 }] }).error?.issues[0];
    expect(unknown).toMatchObject({ code: "unrecognized_keys", keys: ["m"], path: ["numbers", 0] });
  });

  test("refuses what is no array, and one that is too short", () => {
    for (const bad of [undefined, null, "x", { 0: { n: 1 } }, []])
      expect(numbers.safeParse({ numbers: bad }).success).toBe(false);
  });
});

test("LB-02 what is nearly a plain message is looked at, and refused where it is none", () => {
  const target = targetOf("http://127.0.0.1:1");
  const authorize = (message: string) => () => authorizeChatRequest(`{"messages":[${message}]}`, target);
  for (const message of ['{"role":"user","content":"x"}', '{"content":"","role":"tool"}'])
    expect(authorize(message)).not.toThrow();
  for (const message of [
    ...["null", '"user"', "[]", "{}", '["user","x"]', '{"content":"x"}'],
    ...['{"role":"User","content":"x"}', '{"role":["user"],"content":"x"}', '{"role":"user","content":5}'],
    '{"role":"user","content":"x","cache":true}',
    '{"role":"user","content":"x","__proto__":{"a":1}}',
    '{"role":"toString","content":"x"}',
  ])
    expect(authorize(message), message).toThrow(AppError);
});

test("an object of JSON is passed as it is, and nothing else is one", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  expect(JsonObject.parse(schema)).toEqual(schema);
  for (const bad of [null, [], "x", 1, true, undefined])
    expect(JsonObject.safeParse(bad).success).toBe(false);
});

describe("LB-14 a body within the bounds that was made to be dear", () => {
  const target = targetOf("http://127.0.0.1:1");
  const many = (count: number, part: (at: number) => string) =>
    `[${Array.from({ length: count }, (_, at) => part(at)).join()}]`;
  const text = (content: string) => `{"messages":[{"role":"user","content":${content}}]}`;
  const bodies = {
    "bad messages": `{"messages":${many(JSON_VALUES_MAX / 2 - 100, () => '{"role":5}')}}`,
    "bad parts": text(many(JSON_VALUES_MAX - 100, () => "5")),
    "unknown keys": `{"messages":${many(JSON_VALUES_MAX / 4 - 100, (at) => `{"role":"user","x${at}":1,"y${at}":2}`)}}`,
    escapes: text(`"${"\\n".repeat(JSON_ESCAPES_MAX + 100)}"`),
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(`${name}: refused within 50 ms of this thread`, () => {
      const took = [1, 2, 3, 4, 5].map(() => {
        const startedMs = threadMs();
        expect(() => authorizeChatRequest(body, target)).toThrow(AppError);
        return threadMs() - startedMs;
      });
      expect(Math.min(...took)).toBeLessThan(50);
    });
  }

  test("one less than too many escapes is read", () => {
    const body = text(`"${"\\n".repeat(JSON_ESCAPES_MAX)}"`);
    expect(authorizeChatRequest(body, target).stream).toBe(false);
  });

  test("a tool of many keys goes through, its keys untouched", () => {
    const keys = many(10_000, (at) => `"k${at}":${at}`).slice(1, -1);
    const body = `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"t","parameters":{${keys}}}}]}`;
    const sent = authorizeChatRequest(body, target).bodyFor(target, "http://127.0.0.1:1", undefined);
    expect(Object.keys(JSON.parse(sent).tools[0].function.parameters)).toHaveLength(10_000);
  });
});
