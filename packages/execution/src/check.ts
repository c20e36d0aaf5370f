/**
 * One fact that a run depends on. The first sentence of `detail` says what was found; where that is not `ok`, the
 * sentences after it say what to do.
 */
export interface Check {
  name: string;
  state: "ok" | "warn" | "failed";
  detail: string;
}

export function passed(name: string, detail: string): Check {
  return { name, state: "ok", detail };
}

export function warned(name: string, detail: string): Check {
  return { name, state: "warn", detail };
}

export function failed(name: string, detail: string): Check {
  return { name, state: "failed", detail };
}
