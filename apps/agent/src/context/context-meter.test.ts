import { expect, test } from "bun:test";
import { ContextMeter } from "./context-meter.ts";
import { TokenEstimate } from "./token-estimate.ts";

const NOTHING = { weight: 0, pictures: 0, bytes: 0 };

/** Notes when its weight is found. */
function entry(weight: number, found: number[]) {
  return {
    pictures: 0,
    bytes: 10 * weight,
    get weight() {
      found.push(weight);
      return weight;
    },
  };
}

test("entries are weighed when tokens are first asked for, and each once", () => {
  const meter = new ContextMeter(NOTHING);
  const found: number[] = [];
  for (const weight of [100, 200]) meter.add(entry(weight, found));
  expect(meter.bytes).toBe(3_000);
  expect(found).toEqual([]);
  meter.tokens();
  meter.tokens();
  expect(found).toEqual([100, 200]);
});

test("figures of the provider that waited say what they would have said at once", () => {
  const meter = new ContextMeter(NOTHING);
  const estimate = new TokenEstimate();
  const figures = [150, 320, 90, 640, 800]; // one of them is nonsense: more was sent than before
  let weight = 0;
  for (const [at, tokens] of figures.entries()) {
    weight += 100;
    meter.add(entry(100, []));
    meter.learn(tokens, at + 1);
    estimate.learn(tokens, { weight, pictures: 0 });
  }
  meter.add(entry(50, []));
  expect(meter.tokens()).toBe(estimate.tokens({ weight: weight + 50, pictures: 0 }));
  expect([meter.isCounted(4), meter.isCounted(5)]).toEqual([true, false]);
});

test("bytes of pictures are known apart", () => {
  const meter = new ContextMeter(NOTHING);
  const picture = { weight: 12, pictures: 1, bytes: 4_000 };
  const text = { weight: 20, pictures: 0, bytes: 80 };
  meter.add(text);
  meter.add(picture);
  expect([meter.bytes, meter.pictureBytes]).toEqual([4_080, 4_000]);
  meter.replace(1, picture, text);
  expect([meter.bytes, meter.pictureBytes]).toEqual([160, 0]);
});
