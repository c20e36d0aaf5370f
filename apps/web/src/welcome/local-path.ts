/** Stands for this site: what leads away from it would lead away from any. */
const HERE = "http://here.invalid";
const ONE_SLASH = /^\/(?![/\\])/;

/**
 * Where to go after the sign-in: a path of this site, whatever the link said. An address is read as browsers read it, since they
 * drop tabs and ends of lines: `/<tab>/other.example` would lead to another site.
 */
export function localPath(next: unknown): string {
  if (typeof next !== "string" || !ONE_SLASH.test(next) || !URL.canParse(next, HERE)) return "/";
  const { origin, pathname, search, hash } = new URL(next, HERE);
  // What is read as a path may begin with two slashes after its dots are gone.
  return origin === HERE && ONE_SLASH.test(pathname) ? pathname + search + hash : "/";
}
