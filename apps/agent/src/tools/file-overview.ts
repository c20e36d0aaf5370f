/** A folder, or a file: then without entries. */
interface Entry {
  name: string;
  isFolder: boolean;
  /** Files below. */
  files: number;
  entries: Map<string, Entry>;
}

export interface OverviewLine {
  path: string;
  /** Of a folder that is not opened: how many files are in it. */
  files: number | undefined;
}

export interface FileOverview {
  lines: OverviewLine[];
  /** Files not named: in folders that are not opened, or past the last line. */
  unnamed: number;
}

/**
 * The most telling view of a tree in so many lines: folders are opened level by level, small ones first, as long as there
 * is room; the rest are told with a count. Sorted by name.
 * @param paths one that ends in `/` is a folder with nothing to tell of
 * @param depth levels that may be opened; 1 is the folder itself
 */
export function fileOverview(paths: readonly string[], linesMax: number, depth: number): FileOverview {
  const root = treeOf(paths);
  const lines: OverviewLine[] = [];
  const opened = open(root, linesMax, depth);
  addLines(root, "", opened, lines);
  const shown = lines.slice(0, linesMax);
  const named = shown.filter((line) => line.files === undefined).length;
  return { lines: shown, unnamed: root.files - named };
}

function treeOf(paths: readonly string[]): Entry {
  const root: Entry = { name: "", isFolder: true, files: 0, entries: new Map() };
  for (const path of paths) {
    let at = root;
    at.files++;
    const parts = path.split("/");
    for (const [index, name] of parts.entries()) {
      if (name === "") break;
      const isFolder = index < parts.length - 1;
      let next = at.entries.get(name);
      if (next === undefined) {
        next = { name, isFolder, files: 0, entries: new Map() };
        at.entries.set(name, next);
      }
      next.files++;
      at = next;
    }
  }
  return root;
}

function open(root: Entry, linesMax: number, depth: number): Set<Entry> {
  const opened = new Set([root]);
  let lines = root.entries.size;
  let level = [root];
  for (let left = depth - 1; left > 0 && level.length > 0; left--) {
    const folders = level.flatMap((entry) => [...entry.entries.values()]).filter((e) => e.entries.size > 0);
    level = [];
    for (const folder of folders.sort((a, b) => a.entries.size - b.entries.size || compare(a, b))) {
      const more = folder.entries.size - 1; // its own line goes
      if (lines + more > linesMax) continue;
      lines += more;
      opened.add(folder);
      level.push(folder);
    }
  }
  return opened;
}

function addLines(folder: Entry, prefix: string, opened: Set<Entry>, lines: OverviewLine[]): void {
  for (const entry of [...folder.entries.values()].sort(compare)) {
    const path = `${prefix}${entry.name}${entry.isFolder ? "/" : ""}`;
    if (opened.has(entry)) addLines(entry, path, opened, lines);
    else lines.push({ path, files: entry.entries.size > 0 ? entry.files : undefined });
  }
}

function compare(a: Entry, b: Entry): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
