import { expect, test } from "bun:test";
import { browserName } from "./browser-name.ts";

test("a browser is called what people call it", () => {
  const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
  expect(browserName(`${linux} Chrome/140.0.0.0 Safari/537.36`)).toBe("Chrome on Linux");
  expect(browserName(`${linux} Chrome/140.0.0.0 Safari/537.36 Edg/140.0`)).toBe("Edge on Linux");
  expect(browserName("Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Version/19 Safari/604.1")).toBe(
    "Safari on iOS",
  );
  expect(browserName("curl/8.1")).toBe("curl/8.1");
  expect(browserName(null)).toBe("Unknown browser");
});
