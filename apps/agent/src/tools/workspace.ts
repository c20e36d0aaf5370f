import { realpathSync } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";

export type Located =
  /** `path` has no symlink in it; the last parts may not exist yet. */
  { kind: "inside"; path: string } | { kind: "refused"; why: string };

/** The part of the file system the file tools may touch. */
export class Workspace {
  private constructor(
    readonly root: string,
    private readonly readable: () => readonly string[],
  ) {}

  /**
   * @param readable further folders that may be read, not written (kept tool outputs)
   * @throws Error that names the root when it cannot be opened
   */
  static open(root: string, readable: () => readonly string[]): Workspace {
    try {
      return new Workspace(realpathSync(root), readable);
    } catch (cause) {
      throw new Error(`the workspace ${root} cannot be opened; mount the checkout there`, { cause });
    }
  }

  /** Where a path of the model leads once every symlink is followed, if that is a place it may write. */
  async locate(path: string): Promise<Located> {
    return this.locateUnder(path, [this.root]);
  }

  /** The same for reading. */
  async locateReadable(path: string): Promise<Located> {
    return this.locateUnder(path, [this.root, ...this.readable()]);
  }

  private async locateUnder(path: string, roots: readonly string[]): Promise<Located> {
    if (path === "" || path.includes("\0"))
      return { kind: "refused", why: "the path is empty or holds a NUL" };
    const real = await followed(resolve(this.root, path));
    if (real === undefined) return { kind: "refused", why: `${path} is a symbolic link to nowhere` };
    if (roots.some((root) => real === root || real.startsWith(`${root}/`)))
      return { kind: "inside", path: real };
    return { kind: "refused", why: `${path} leads outside ${this.root}; file tools work only inside it` };
  }
}

/** The real path of what exists, with the parts that do not exist yet put behind it; undefined at a dangling link. */
async function followed(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Below a file there is nothing either; opening it says so in better words.
    if ((code !== "ENOENT" && code !== "ENOTDIR") || (await exists(path))) return undefined;
  }
  const parent = await followed(dirname(path));
  return parent === undefined ? undefined : resolve(parent, path.slice(path.lastIndexOf("/") + 1));
}

/** Whether there is an entry of this name, be it a link to nothing. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
