import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { SkillDetail } from "@windshift/contract/api/skill.ts";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { paths } from "../paths.ts";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { refreshSettings, skillsQuery } from "./settings-queries.ts";
import { Section, StateWord } from "./settings-section.tsx";
import { SKILL_FIELDS, SkillFields } from "./skill-fields.tsx";

/** The library of a workspace: Markdown documents that agents read when they need them. */
export function SkillsPage() {
  const workspace = useWorkspaceKey();
  const { skills } = useSuspenseQuery(skillsQuery(workspace)).data;
  return (
    <>
      <PageHead title="Skills" />
      <Text c="dimmed" size="sm" mb="md">
        A skill says how something is done here: how to test, how to release, what to keep away from. The
        prompt of an agent that has it names and describes it; the agent reads the text when it needs it.
      </Text>
      {skills.length === 0 && <EmptyState title="No skill yet">Write the first one below.</EmptyState>}
      <ul className="rows">
        {skills.map(({ id, name, description, enabled, version, bindings_count, updated_at, updated_by }) => (
          <li key={id} className="row">
            <div className="row-line">
              <Link to={paths.settings(workspace, `skills/${id}`)} className="row-name">
                {name}
              </Link>
              {!enabled && <StateWord state="plain">Switched off</StateWord>}
              <span className="row-end quiet">
                version {version}, {bindings_count} {bindings_count === 1 ? "agent" : "agents"}, changed{" "}
                <TimeText at={updated_at} /> by {updated_by.name}
              </span>
            </div>
            <p className="quiet">{description}</p>
          </li>
        ))}
      </ul>
      <NewSkill workspace={workspace} />
    </>
  );
}

function NewSkill({ workspace }: { workspace: string }) {
  const navigate = useNavigate();
  const [typed, setTyped, forget] = useDraft(`skill:${workspace}:new`, {
    name: "",
    description: "",
    body: "",
    enabled: true,
  });
  const form = useApiForm(SKILL_FIELDS);
  const send = async () => {
    const made = await callApi("POST", `/api/v1/workspaces/${workspace}/skills`, SkillDetail, typed);
    forget();
    await refreshSettings(workspace, "skills");
    await navigate({ to: paths.settings(workspace, `skills/${made.id}`) });
  };
  return (
    <Section title="New skill">
      <FormFrame form={form} verb="Create skill" label="New skill" onSend={send}>
        <SkillFields form={form} typed={typed} change={(part) => setTyped({ ...typed, ...part })} />
      </FormFrame>
    </Section>
  );
}
