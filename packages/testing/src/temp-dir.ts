import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TempDir extends Disposable {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Removes the folder and all in it; safe to call twice. */
  remove(): void;
}

/** A new empty folder. Write `using dir = tempDir()` or call `remove` after the test. */
export function tempDir(): TempDir {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "windshift-test-")));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  return { path, remove, [Symbol.dispose]: remove };
}
