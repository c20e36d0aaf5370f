/** What stands after the question mark: text by name, a list where a name comes several times. */
export type SearchParams = Record<string, string | string[]>;

/** Reads a query string as plain text, so that addresses are the same as those of the API. */
export function parseSearch(search: string): SearchParams {
  const found: SearchParams = {};
  for (const name of new Set(new URLSearchParams(search).keys())) {
    const values = new URLSearchParams(search).getAll(name);
    found[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  return found;
}

/** The reverse of `parseSearch`; what is undefined or empty is left out. */
export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== null && one !== "") params.append(name, String(one));
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** All values of a parameter, whether it came once, often or not at all. */
export function valuesOf(search: SearchParams, name: string): string[] {
  const value = search[name];
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
