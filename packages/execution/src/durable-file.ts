import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Replaces a file, wholly or not at all, also in a power cut: readable for its owner only. Durable when it resolves. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  const dir = await open(dirname(path), "r");
  await dir.sync().finally(() => dir.close());
}
