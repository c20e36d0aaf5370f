import { expect, test } from "bun:test";
import { readConfig } from "./config.ts";

const GOOD = { LLM_BASE_URL: "http://broker:8080/api/llm-proxy/", LLM_MODEL: "m" };

test("defaults hold where a variable is unset or empty", () => {
  const reading = readConfig({ ...GOOD, LLM_API_KEY: "", LLM_STREAM: "" });
  expect(reading).toEqual({
    kind: "ok",
    config: {
      baseUrl: "http://broker:8080/api/llm-proxy",
      model: "m",
      apiKey: undefined,
      contextSize: 128_000,
      stream: false,
      tries: 3,
      images: false,
      workspace: "/workspace",
      turnsMax: 200,
    },
  });
});

test("every bad value is refused by name, all in one go", () => {
  const bad = {
    LLM_BASE_URL: "ftp://x",
    LLM_CONTEXT_SIZE: "128k",
    LLM_STREAM: "yes",
    LLM_TRIES: "11",
    LLM_IMAGES: "on",
    WINDSHIFT_WORKSPACE: "work",
    AGENT_TURNS_MAX: "0",
  };
  const reading = readConfig(bad);
  const problems = reading.kind === "problems" ? reading.problems : [];
  expect(problems).toHaveLength(8);
  for (const name of [...Object.keys(bad), "LLM_MODEL"])
    expect(problems.filter((problem) => problem.startsWith(`${name} `))).toHaveLength(1);
});

test("a window that leaves no room to work in is refused", () => {
  expect(readConfig({ ...GOOD, LLM_CONTEXT_SIZE: "3999" })).toMatchObject({
    problems: ['LLM_CONTEXT_SIZE must be a whole number from 4000 to 100000000, not "3999"'],
  });
});

test("an address with credentials or a query is refused", () => {
  for (const address of ["http://a:b@host", "http://host/?x=1", "http://host/#x", "host:80"])
    expect(readConfig({ ...GOOD, LLM_BASE_URL: address }).kind).toBe("problems");
});

test("what may be a key in a refused address is not shown", () => {
  for (const address of [
    "http://user:s3cret@host/v1",
    "http://s3cret@host",
    "//a:s3cret@b",
    "http://host/?key=s3cret",
  ]) {
    const reading = readConfig({ ...GOOD, LLM_BASE_URL: address });
    expect(JSON.stringify(reading)).toContain("LLM_BASE_URL");
    expect(JSON.stringify(reading)).not.toContain("s3cret");
  }
});

test("a switch is on with 1 or true", () => {
  for (const text of ["1", "true"])
    expect(readConfig({ ...GOOD, LLM_IMAGES: text })).toMatchObject({
      config: { images: true, stream: false },
    });
});
