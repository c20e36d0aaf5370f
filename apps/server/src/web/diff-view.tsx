/** @jsxImportSource hono/jsx */
import type { Diff } from "@windshift/contract/api/pull-request.ts";
import { type PatchFile, type PatchLine, parsePatch } from "./patch.ts";

/** Files with more lines than this are folded at first. */
const OPEN_LINES_MAX = 400;

/** The changed files, each a table of lines. A sign before each line says what its color says. */
export function DiffView({ diff }: { diff: Diff }) {
  const files = parsePatch(diff.patch);
  const added = diff.files.reduce((sum, file) => sum + (file.added ?? 0), 0);
  const removed = diff.files.reduce((sum, file) => sum + (file.removed ?? 0), 0);
  return (
    <section aria-labelledby="changes" class="changes">
      <h2 id="changes">
        {diff.files.length} changed {diff.files.length === 1 ? "file" : "files"}{" "}
        <Count added={added} removed={removed} />
      </h2>
      {files.map((file, index) => (
        <FileDiff file={file} id={`file-${index + 1}`} />
      ))}
      {diff.truncated && (
        <p class="callout wait">
          The diff is longer than what is shown here. Fetch the branch to read all of it before you merge.
        </p>
      )}
    </section>
  );
}

function FileDiff({ file, id }: { file: PatchFile; id: string }) {
  return (
    <details class="card file" id={id} open={file.lines.length <= OPEN_LINES_MAX}>
      <summary>
        <span class="file-path">{file.path}</span>
        <Count added={file.added} removed={file.removed} />
      </summary>
      <section class="diff-scroll" tabindex={0} aria-label={`Changes of ${file.path}`}>
        <table class="diff">
          <thead class="hidden">
            <tr>
              <th scope="col">Line before</th>
              <th scope="col">Line after</th>
              <th scope="col">Change</th>
              <th scope="col">Text</th>
            </tr>
          </thead>
          <tbody>
            {file.lines.map((line) => (
              <DiffLine line={line} />
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

const SIGN = { context: " ", added: "+", removed: "−", hunk: "", note: "" } as const;

function DiffLine({ line }: { line: PatchLine }) {
  return (
    <tr class={line.kind}>
      <td class="number">{"before" in line ? line.before : ""}</td>
      <td class="number">{"after" in line ? line.after : ""}</td>
      <td class="sign">{SIGN[line.kind]}</td>
      <td class="code">{line.text}</td>
    </tr>
  );
}

function Count({ added, removed }: { added: number; removed: number }) {
  return (
    <span class="count">
      <span class="plus">
        +{added}
        <span class="hidden"> lines added,</span>
      </span>{" "}
      <span class="minus">
        −{removed}
        <span class="hidden"> lines removed</span>
      </span>
    </span>
  );
}
