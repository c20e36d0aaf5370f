import { Anchor, Text } from "@mantine/core";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import { visibleText } from "../parts/visible-text.ts";

/** The files that the run's commits change, as its runner counted them. */
export function RunChanges({ run }: { run: AgentRunDetail }) {
  const { files_changed: files, files_more: more } = run;
  return (
    <div className="run-changes">
      {files === null && (
        <Text size="sm" c="dimmed">
          No commits were handed over yet.
        </Text>
      )}
      {files?.length === 0 && (
        <Text size="sm" c="dimmed">
          Its commits change no file.
        </Text>
      )}
      {files !== null && files.length > 0 && (
        <ul className="run-files">
          {files.map(({ path, status, added, deleted }) => (
            <li key={path}>
              <span className={`run-file-status run-file-${status}`}>{status}</span>
              <code>{visibleText(path)}</code>
              {added !== null && deleted !== null && (
                <span className="run-file-lines">
                  <span className="diff-plus">+{added}</span> <span className="diff-minus">−{deleted}</span>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {more > 0 && (
        <Text size="sm" c="dimmed">
          and {more.toLocaleString("en-US")} more
        </Text>
      )}
      {run.has_patch && (
        <Anchor href={`/api/v1/agent-runs/${run.id}/patch`} download>
          Download the patch
        </Anchor>
      )}
      {run.grants !== null && <Grants grants={run.grants} />}
    </div>
  );
}

/** What the run may use, as it was frozen when it was queued. */
function Grants({ grants }: { grants: NonNullable<AgentRunDetail["grants"]> }) {
  const rows: [string, string][] = [
    ["Repository", grants.repository],
    ["Base branch", grants.base_branch],
    ["Model", [grants.model, ...grants.fallback_models].join(", then ")],
    ["Image", grants.image ?? "the runner's own"],
    ["Push", grants.push ? "its own branch" : "nothing: a test run"],
    ...Object.entries(grants.limits).map(([name, value]): [string, string] => [
      `Limit: ${name.replaceAll("_", " ")}`,
      typeof value === "number" ? value.toLocaleString("en-US") : JSON.stringify(value),
    ]),
  ];
  return (
    <details className="run-grants">
      <summary>What the run may use</summary>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{visibleText(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
