import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { sendApi } from "../api/api.ts";
import { meQuery, useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { dollarText, tokenText } from "../parts/money-text.ts";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { Section, Tag } from "../settings/settings-section.tsx";
import { WorkspaceFields } from "../welcome/workspace-fields.tsx";
import { adminUsageQuery } from "./admin-queries.ts";

/** The workspaces one is in, those that used models this month, and the form for another one. */
export function WorkspacesPage() {
  const { workspaces } = useMe();
  const { data: usage } = useSuspenseQuery(adminUsageQuery(undefined));
  const others = usage.workspaces.filter(({ key }) => workspaces.every((one) => one.key !== key));
  const usedBy = (key: string) => usage.workspaces.find((one) => one.key === key);
  return (
    <>
      <PageHead title="Workspaces" />
      {workspaces.length === 0 && (
        <EmptyState title="You are in no workspace yet">Make one below.</EmptyState>
      )}
      <ul className="rows" aria-label="Workspaces">
        {workspaces.map(({ key, name, role }) => {
          const used = usedBy(key);
          return (
            <li key={key} className="row row-line">
              <Link to={paths.items(key)} className="row-name">
                {name}
              </Link>
              <Tag>{key}</Tag>
              <span className="quiet">you are {role}</span>
              {used && <span className="quiet">{usedText(used)}</span>}
            </li>
          );
        })}
        {others.map((one) => (
          <li key={one.key} className="row row-line">
            <span className="row-name">{one.name}</span>
            <Tag>{one.key}</Tag>
            <span className="quiet">you are not in it</span>
            <span className="quiet">{usedText(one)}</span>
          </li>
        ))}
      </ul>
      <NewWorkspace />
    </>
  );
}

function usedText(sum: { input_tokens: number; output_tokens: number; cost_micros: number | null }): string {
  const tokens = tokenText(sum.input_tokens + sum.output_tokens);
  return `${tokens} this month${sum.cost_micros === null ? "" : `, ${dollarText(sum.cost_micros)}`}`;
}

function NewWorkspace() {
  const navigate = useNavigate();
  const [typed, setTyped, forget] = useDraft("admin:workspace", { name: "", key: "" });
  const form = useApiForm(["name", "key"]);
  const send = async () => {
    await sendApi("POST", "/api/v1/workspaces", typed);
    await queryClient.invalidateQueries(meQuery);
    forget();
    await navigate({ to: paths.guide(typed.key) });
  };
  return (
    <Section title="New workspace">
      <Text c="dimmed" size="sm" mb="sm">
        You become its admin, and can give it to others.
      </Text>
      <FormFrame form={form} verb="Create workspace" label="New workspace" onSend={send}>
        <WorkspaceFields
          typed={typed}
          change={(part) => setTyped({ ...typed, ...part })}
          nameError={form.fieldError("name")}
          keyError={form.fieldError("key")}
        />
      </FormFrame>
    </Section>
  );
}
