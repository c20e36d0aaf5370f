import { describe, expect, test } from "bun:test";
import { eventually } from "./eventually.ts";

describe("waiting for a fact", () => {
  test("gives the first value that is one", async () => {
    let looks = 0;
    expect(await eventually("the third look", () => (++looks === 3 ? looks : undefined))).toBe(3);
  });

  test("takes a look that throws for a fact that is not there yet", async () => {
    let looks = 0;
    const look = () => {
      if (++looks < 2) throw new Error("not yet");
      return "there";
    };
    expect(await eventually("it is there", look)).toBe("there");
  });

  test("fails at the deadline, naming the fact and the last error", async () => {
    const waiting = eventually("the moon is blue", () => Promise.reject(new Error("it is grey")), 50);
    const error = await waiting.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: "waited 50 ms in vain until the moon is blue" });
    expect(error).toMatchObject({ cause: { message: "it is grey" } });
  });
});
