import { isTestOnly, resolveImport, type SourceFile, type Violation } from "./source-tree.ts";

const SERVER = "apps/server/src/";

interface Edge {
  from: string;
  to: string;
  line: number;
}

/**
 * Holds the server's files to their layers. The files at the top of `src` wire and may import all; a folder never
 * imports itself through others (no cycles); `*-routes.ts` is imported only by the files at the top, so what routes
 * import closes no cycle; `db` imports no other folder. Type imports load nothing and are free inside the server.
 */
export function checkServerLayers(files: readonly SourceFile[]): Violation[] {
  const units = new Set(["apps/server"]);
  const edges: Edge[] = [];
  for (const file of files) {
    if (!file.path.startsWith(SERVER) || isTestOnly(file.path)) continue;
    for (const one of file.imports) {
      const target = resolveImport(file.path, one.specifier, units);
      if (one.typeOnly || target.kind !== "ours" || !target.path.startsWith(SERVER)) continue;
      edges.push({ from: file.path, to: target.path, line: one.line });
    }
  }
  return [...edges.flatMap(brokenLayerRule), ...folderCycles(edges)];
}

/** The folder below `src`; "" for the files at the top. */
function folderOf(path: string): string {
  const [folder = "", ...rest] = path.slice(SERVER.length).split("/");
  return rest.length === 0 ? "" : folder;
}

function isRoutes(path: string): boolean {
  return path.endsWith("-routes.ts");
}

function brokenLayerRule({ from, to, line }: Edge): Violation[] {
  const at = { path: from, line };
  const [source, target] = [folderOf(from), folderOf(to)];
  if (source === "") return [];
  if (target === "")
    return [
      { ...at, rule: `${source}/ must not import ${to}: the files at the top wire, others do not know them` },
    ];
  if (isRoutes(to)) return [{ ...at, rule: `only a file at the top of ${SERVER} imports routes (${to})` }];
  if (source === "db" && target !== "db") return [{ ...at, rule: `db/ must not import ${target}/` }];
  return [];
}

function folderCycles(edges: readonly Edge[]): Violation[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of edges) {
    const [source, target] = [folderOf(from), folderOf(to)];
    if (source === "" || target === "" || source === target || isRoutes(from)) continue;
    next.set(source, (next.get(source) ?? new Set()).add(target));
  }
  return edges.flatMap((edge) => {
    const [source, target] = [folderOf(edge.from), folderOf(edge.to)];
    if (source === "" || source === target || isRoutes(edge.from)) return [];
    const way = wayBack(next, target, source);
    if (way === undefined) return [];
    const rule = `folders import in a circle: ${[source, ...way].join(" → ")}`;
    return [{ path: edge.from, line: edge.line, rule }];
  });
}

/** The shortest way from one folder to another over imports. */
function wayBack(
  next: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
  to: string,
): string[] | undefined {
  const queue: string[][] = [[from]];
  const seen = new Set([from]);
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    const last = way.at(-1) ?? from;
    if (last === to) return way;
    for (const folder of next.get(last) ?? []) {
      if (seen.has(folder)) continue;
      seen.add(folder);
      queue.push([...way, folder]);
    }
  }
  return undefined;
}
