/** One line of a diff; the numbers are its place before and after. */
export type PatchLine =
  | { kind: "context"; before: number; after: number; text: string }
  | { kind: "added"; after: number; text: string }
  | { kind: "removed"; before: number; text: string }
  /** `@@ … @@` and what git writes behind it. */
  | { kind: "hunk"; text: string }
  /** Anything else git says, such as "\ No newline at end of file" or "Binary files differ". */
  | { kind: "note"; text: string };

export interface PatchFile {
  /** As git writes it; the new name when the file was renamed. */
  path: string;
  lines: PatchLine[];
  added: number;
  removed: number;
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/**
 * Reads the unified diff of `git diff` for showing. Inside a hunk lines are counted, not guessed, so a line of a file
 * that looks like a header stays a line of that file. Never fails: what is not understood becomes a note.
 */
export function parsePatch(patch: string): PatchFile[] {
  const reader = new PatchReader();
  const lines = patch.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) reader.read(line);
  return reader.files;
}

class PatchReader {
  readonly files: PatchFile[] = [];
  private file: PatchFile | undefined;
  private before = 0;
  private after = 0;
  private beforeLeft = 0;
  private afterLeft = 0;

  read(line: string): void {
    const hunk = HUNK.exec(line);
    if (this.beforeLeft > 0 || this.afterLeft > 0) this.readBody(line);
    else if (line.startsWith("diff --git ")) this.open(line);
    else if (hunk !== null) this.openHunk(hunk, line);
    else this.readHeader(line);
  }

  private open(line: string): void {
    this.file = { path: pathOfHeader(line), lines: [], added: 0, removed: 0 };
    this.files.push(this.file);
  }

  private openHunk(hunk: RegExpExecArray, text: string): void {
    const [, before, beforeCount = "1", after, afterCount = "1"] = hunk;
    this.before = Number(before);
    this.after = Number(after);
    this.beforeLeft = Number(beforeCount);
    this.afterLeft = Number(afterCount);
    this.file?.lines.push({ kind: "hunk", text });
  }

  private readBody(line: string): void {
    const { file } = this;
    const text = line.slice(1);
    if (file === undefined) return;
    if (line.startsWith("+")) {
      file.lines.push({ kind: "added", after: this.after++, text });
      file.added++;
      this.afterLeft--;
    } else if (line.startsWith("-")) {
      file.lines.push({ kind: "removed", before: this.before++, text });
      file.removed++;
      this.beforeLeft--;
    } else if (line.startsWith("\\")) {
      file.lines.push({ kind: "note", text: text.trim() });
    } else {
      file.lines.push({ kind: "context", before: this.before++, after: this.after++, text });
      this.beforeLeft--;
      this.afterLeft--;
    }
  }

  private readHeader(line: string): void {
    const { file } = this;
    if (file === undefined || /^(?:index |--- )/.test(line)) return;
    const name = /^(?:\+\+\+ b\/|rename to )(.+?)\t?$/.exec(line)?.[1];
    if (name !== undefined) file.path = name;
    else if (!line.startsWith("+++ ")) file.lines.push({ kind: "note", text: line.replace(/^\\ /, "") });
  }
}

/** `diff --git a/x b/x` names the file twice; with spaces in it the middle is where both halves are the same. */
function pathOfHeader(line: string): string {
  const names = line.slice("diff --git ".length);
  const half = (names.length - 1) / 2;
  const [left, right] = [names.slice(0, half), names.slice(half + 1)];
  return left.slice(2) === right.slice(2) ? right.slice(2) : names;
}
