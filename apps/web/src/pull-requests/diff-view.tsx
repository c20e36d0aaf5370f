import { Button, VisuallyHidden } from "@mantine/core";
import type { Diff } from "@windshift/contract/api/pull-request.ts";
import { memo, useMemo, useState } from "react";
import { visibleText } from "../parts/visible-text.ts";
import { type PatchFile, type PatchLine, parsePatch } from "./patch.ts";

/** Files with more lines than this are folded at first. */
const OPEN_LINES_MAX = 400;
/** Lines of one file that are shown at once; the rest after a click. */
const LINES_STEP = 2_000;

/** The changed files, each a table of lines. A sign before each line says what its color says. */
export function DiffView({ diff }: { diff: Diff }) {
  const files = useMemo(() => parsePatch(diff.patch), [diff.patch]);
  const added = diff.files.reduce((sum, file) => sum + (file.added ?? 0), 0);
  const removed = diff.files.reduce((sum, file) => sum + (file.removed ?? 0), 0);
  return (
    <section aria-labelledby="changes">
      <h2 id="changes" className="pull-heading">
        {diff.files.length} changed {diff.files.length === 1 ? "file" : "files"}{" "}
        <Count added={added} removed={removed} />
      </h2>
      {files.map((file, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a forged diff may name a file twice.
        <FileDiff key={index} file={file} id={`file-${index + 1}`} />
      ))}
      {diff.truncated && (
        <p className="run-callout run-callout-wait">
          The diff is longer than what is shown here. Fetch the branch to read all of it before you merge.
        </p>
      )}
    </section>
  );
}

function FileDiff({ file, id }: { file: PatchFile; id: string }) {
  const [open, setOpen] = useState(file.lines.length <= OPEN_LINES_MAX);
  const path = visibleText(file.path);
  return (
    <details
      className="diff-file"
      id={id}
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <span className="diff-path">{path}</span> <Count added={file.added} removed={file.removed} />
      </summary>
      {open && <Lines file={file} path={path} />}
    </details>
  );
}

const Lines = memo(function Lines({ file, path }: { file: PatchFile; path: string }) {
  const [shown, setShown] = useState(LINES_STEP);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <section className="diff-scroll" tabIndex={0} aria-label={`Changes of ${path}`}>
      <table className="diff">
        <thead>
          <tr>
            {["Line before", "Line after", "Change", "Text"].map((name) => (
              <th key={name} scope="col">
                <VisuallyHidden>{name}</VisuallyHidden>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {file.lines.slice(0, shown).map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a file do not move.
            <DiffLine key={index} line={line} />
          ))}
        </tbody>
      </table>
      {file.lines.length > shown && (
        <Button size="compact-sm" variant="default" m="xs" onClick={() => setShown(shown + LINES_STEP)}>
          Show more of {file.lines.length.toLocaleString("en-US")} lines
        </Button>
      )}
    </section>
  );
});

const SIGN = { context: " ", added: "+", removed: "−", hunk: "", note: "" } as const;

function DiffLine({ line }: { line: PatchLine }) {
  return (
    <tr className={`diff-${line.kind}`}>
      <td className="diff-number">{"before" in line ? line.before : ""}</td>
      <td className="diff-number">{"after" in line ? line.after : ""}</td>
      <td className="diff-sign">{SIGN[line.kind]}</td>
      <td className="diff-code">{visibleText(line.text)}</td>
    </tr>
  );
}

function Count({ added, removed }: { added: number; removed: number }) {
  return (
    <span className="diff-count">
      <span className="diff-plus">
        +{added}
        <VisuallyHidden> lines added,</VisuallyHidden>
      </span>{" "}
      <span className="diff-minus">
        −{removed}
        <VisuallyHidden> lines removed</VisuallyHidden>
      </span>
    </span>
  );
}
