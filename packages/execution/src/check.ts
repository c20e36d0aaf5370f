/**
 * One fact that a run depends on. The first sentence of `detail` says what was found; where that is not `ok`, the
 * sentences after it say what to do.
 */
export interface Check {
  name: string;
  state: "ok" | "warn" | "failed";
  detail: string;
}

/** @param detail what was found, one sentence without its end */
export function passed(name: string, detail: string): Check {
  return { name, state: "ok", detail };
}

/** Runs work, yet somebody should look. @param detail as of `Check`: what was found, then what to do */
export function warned(name: string, detail: string): Check {
  return { name, state: "warn", detail };
}

/** Runs would fail. @param detail as of `Check`: what was found, then what to do */
export function failed(name: string, detail: string): Check {
  return { name, state: "failed", detail };
}
