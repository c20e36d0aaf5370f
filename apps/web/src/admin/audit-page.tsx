import { Button, Group, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { AUDIT_FILTER_CHARS_MAX, type AuditFilter, type AuditLine } from "@windshift/contract/api/audit.ts";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError, queryString } from "../api/api.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { PagePending } from "../shell/page-pending.tsx";
import { auditQuery } from "./admin-queries.ts";

const FILTERS = ["actor", "action", "q", "workspace", "from", "to"] as const;
type FilterName = (typeof FILTERS)[number];
type Typed = { [Name in FilterName]?: string | undefined };

/** All that was done in the installation. */
export function AuditPage() {
  return <AuditLog at="/api/v1/admin/audit" />;
}

/**
 * Who did what, newest first; what is filtered stands in the address.
 * @param props.at where the API has the log
 * @param props.workspace when it is the log of one
 */
export function AuditLog({ at, workspace }: { at: string; workspace?: string }) {
  const names = workspace === undefined ? FILTERS : FILTERS.filter((name) => name !== "workspace");
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const filter: AuditFilter = {};
  for (const name of names) {
    const value = search[name];
    if (typeof value === "string" && value !== "") filter[name] = value;
  }
  const log = useInfiniteQuery({ ...auditQuery(at, filter), placeholderData: (before) => before });
  const fields = log.error instanceof ApiError ? log.error.fields : {};
  const refused = Object.keys(fields).length > 0;
  if (log.error !== null && !refused && log.data === undefined) throw log.error;
  const lines = refused ? [] : log.data?.pages.flatMap((page) => page.entries);
  return (
    <>
      <PageHead title="Audit log">
        {(["jsonl", "csv"] as const).map((kind) => (
          <Button
            key={kind}
            component="a"
            href={`${at}/export.${kind}${queryString(filter)}`}
            variant="default"
            download
          >
            Export as {kind === "csv" ? "CSV" : "JSON lines"}
          </Button>
        ))}
      </PageHead>
      <FilterForm
        names={names}
        start={filter}
        problems={fields}
        onFilter={(typed) => navigate({ to: ".", search: typed })}
      />
      {lines === undefined && <PagePending />}
      {lines?.length === 0 && !refused && (
        <EmptyState title="Nothing found">No entry matches the filter.</EmptyState>
      )}
      {lines !== undefined && lines.length > 0 && <AuditTable lines={lines} />}
      <MoreButton list={log}>Show older ones</MoreButton>
    </>
  );
}

const LABELS: Record<FilterName, [label: string, hint: string]> = {
  actor: ["Who", "A user id, run 4, runner 2 or system."],
  action: ["What", "Such as connection, or connection.created."],
  q: ["Holds", "A part of the subject or the particulars."],
  workspace: ["Workspace", "Its key."],
  from: ["From day", "UTC"],
  to: ["To day", "UTC"],
};

function FilterForm(props: {
  names: readonly FilterName[];
  start: AuditFilter;
  problems: Readonly<Record<string, string>>;
  onFilter(typed: Typed): void;
}) {
  const { names, start, problems, onFilter } = props;
  const [typed, setTyped] = useState<Typed>(start);
  // The address may also change by itself, as by the button that goes back.
  const address = JSON.stringify(start);
  useEffect(() => setTyped(JSON.parse(address)), [address]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    onFilter(Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== "")));
  };
  return (
    <form onSubmit={send} aria-label="Filter" className="form-frame">
      <div className="field-row">
        {names.map((name) => {
          const [label, hint] = LABELS[name];
          return (
            <TextInput
              key={name}
              label={label}
              description={hint}
              type={name === "from" || name === "to" ? "date" : "text"}
              maxLength={AUDIT_FILTER_CHARS_MAX}
              spellCheck={false}
              value={typed[name] ?? ""}
              onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
              error={problems[name]}
            />
          );
        })}
      </div>
      <Group my="sm">
        <Button type="submit" variant="default">
          Filter
        </Button>
        {Object.keys(start).length > 0 && (
          <Button variant="subtle" onClick={() => onFilter({})}>
            Show all
          </Button>
        )}
      </Group>
    </form>
  );
}

function AuditTable({ lines }: { lines: readonly AuditLine[] }) {
  // The log itself names those who did something; of others it has the id.
  const names = new Map<string, string | null>(
    lines.flatMap(({ actor }) => (actor.kind === "user" ? [[`user ${actor.id}`, actor.name] as const] : [])),
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <section className="table-scroll" tabIndex={0} aria-label="Entries, newest first">
      <table className="figures audit">
        <thead>
          <tr>
            {["When", "Who", "What", "To what", "Workspace", "Particulars"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map(({ id, at, actor, action, subject, workspace, data }) => (
            <tr key={id}>
              <td>
                <time dateTime={at}>{new Date(at).toLocaleString()}</time>
              </td>
              <td title={actor.id}>{visibleText(actor.name ?? `${actor.kind} ${actor.id}`.trim())}</td>
              <td>
                <code>{action}</code>
              </td>
              <td title={subject}>{visibleText(names.get(subject) ?? subject)}</td>
              <td>{workspace}</td>
              <td>{Object.keys(data).length > 0 && <code>{JSON.stringify(data)}</code>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
