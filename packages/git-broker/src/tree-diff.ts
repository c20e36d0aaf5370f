import type { ObjectReader } from "./object-reader.ts";

/** One line of a tree object. */
export interface TreeEntry {
  /** Octal digits, as git writes them. */
  mode: string;
  /** Path from the root; bytes as Latin-1. */
  path: string;
  oid: string;
}

/** A file, link or submodule that differs between two trees; `before` or `after` is absent when it was added or removed. */
export interface TreeChange {
  path: string;
  before: TreeEntry | undefined;
  after: TreeEntry | undefined;
}

const TREE_MODE = "40000";
/** Folders inside one another; git itself stops at 2048. */
export const TREE_DEPTH_MAX = 256;

/** Folders inside one another beyond TREE_DEPTH_MAX. */
export class TooDeep extends Error {}
/** A tree names an object that neither the push nor the repository has. */
export class ObjectMissing extends Error {}

/** Reads trees, each once. Goes only into folders that differ, so its cost is that of the change. */
export class TreeDiff {
  private readonly known = new Map<string, TreeEntry[]>();

  constructor(private readonly reader: ObjectReader) {}

  /**
   * What differs between two trees, undefined standing for an empty one.
   * @throws ObjectMissing, TooDeep
   */
  async *changes(
    before: string | undefined,
    after: string | undefined,
    folder = "",
    depth = 0,
  ): AsyncGenerator<TreeChange, void> {
    if (before === after) return;
    if (depth > TREE_DEPTH_MAX) throw new TooDeep(folder);
    const [olds, news] = [await this.entries(before, folder), await this.entries(after, folder)];
    for (const path of new Set([...olds.keys(), ...news.keys()])) {
      const [old, fresh] = [olds.get(path), news.get(path)];
      if (old?.oid === fresh?.oid && old?.mode === fresh?.mode) continue;
      const [oldTree, newTree] = [treeOf(old), treeOf(fresh)];
      if (oldTree !== undefined || newTree !== undefined)
        yield* this.changes(oldTree, newTree, `${path}/`, depth + 1);
      const [oldFile, newFile] = [
        oldTree === undefined ? old : undefined,
        newTree === undefined ? fresh : undefined,
      ];
      if (oldFile !== undefined || newFile !== undefined) yield { path, before: oldFile, after: newFile };
    }
  }

  private async entries(tree: string | undefined, folder: string): Promise<Map<string, TreeEntry>> {
    if (tree === undefined) return new Map();
    let names = this.known.get(tree);
    if (names === undefined) {
      const object = await this.reader.read(tree);
      if (object?.type !== "tree") throw new ObjectMissing(`tree ${tree}`);
      names = parseTree(object.bytes);
      this.known.set(tree, names);
    }
    return new Map(names.map((entry) => [folder + entry.path, { ...entry, path: folder + entry.path }]));
  }
}

function treeOf(entry: TreeEntry | undefined): string | undefined {
  return entry?.mode === TREE_MODE ? entry.oid : undefined;
}

/** The entries of a tree object that git has checked. */
export function parseTree(bytes: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, space);
    if (space < 0 || nul < 0) throw new ObjectMissing("a tree that ends too early");
    entries.push({
      mode: bytes.toString("latin1", at, space).replace(/^0+/, ""),
      path: bytes.toString("latin1", space + 1, nul),
      oid: bytes.toString("hex", nul + 1, nul + 21),
    });
    at = nul + 21;
  }
  return entries;
}
