import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { SkillDetail } from "@windshift/contract/api/skill.ts";
import { SkillId } from "@windshift/contract/ids.ts";
import { ApiError, callApi, sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { refreshSettings, skillQuery, skillVersionsQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";
import { SKILL_FIELDS, SkillFields } from "./skill-fields.tsx";
import { SkillVersions } from "./skill-versions.tsx";

/** One skill: its text, and what it was before. */
export function SkillPage() {
  const workspace = useWorkspaceKey();
  const { skill = "" } = useParams({ strict: false }) as { skill?: string };
  const id = SkillId.safeParse(Number(skill));
  if (!id.success) return <NotFoundPage />;
  return <SkillEditor key={id.data} workspace={workspace} id={id.data} />;
}

function SkillEditor({ workspace, id }: { workspace: string; id: number }) {
  const { data: skill } = useSuspenseQuery(skillQuery(id));
  const { name, description, body, enabled } = skill;
  // The version stands in the draft: what was typed over an older text is told apart from what is there now.
  const saved = { name, description, body, enabled, version: skill.version };
  const [typed, change, forget, touched] = useEditDraft(`skill:${id}`, saved);
  const form = useApiForm(SKILL_FIELDS);
  const save = async () => {
    const { version: _begun, ...rest } = typed;
    // What is on the page now, and said to have changed where it has.
    const now = await callApi("PATCH", `/api/v1/skills/${id}`, SkillDetail, {
      ...rest,
      expected_version: skill.version,
    }).catch(saidConflict);
    queryClient.setQueryData(skillQuery(id).queryKey, now);
    await Promise.all([
      queryClient.invalidateQueries(skillVersionsQuery(id)),
      refreshSettings(workspace, "skills"),
    ]);
    forget();
  };
  const stale = touched && typed.version !== skill.version;
  return (
    <>
      <PageHead title={name} />
      {stale && (
        <Text role="alert" size="sm" mb="sm">
          Somebody has changed this skill since you began; the versions below show what. Saving takes your
          text instead.
        </Text>
      )}
      <FormFrame
        form={form}
        verb="Save"
        label="Skill"
        onSend={save}
        onDiscard={touched ? forget : undefined}
        done="Saved. Runs that are queued keep the text they were given."
      >
        <SkillFields
          form={form}
          typed={typed}
          change={(part) => change({ ...part, version: typed.version })}
        />
      </FormFrame>
      <SkillVersions skill={id} />
      <Section title="Delete">
        <DeleteSkill workspace={workspace} id={id} name={name} agents={skill.bindings_count} />
      </Section>
    </>
  );
}

/** Reads what is there now, so that the page can say what has changed. */
async function saidConflict(error: unknown): Promise<never> {
  if (error instanceof ApiError && error.code === "conflict")
    await queryClient.invalidateQueries({ queryKey: ["skill"] });
  throw error;
}

function DeleteSkill(props: { workspace: string; id: number; name: string; agents: number }) {
  const { workspace, id, name, agents } = props;
  const navigate = useNavigate();
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/skills/${id}`);
    await navigate({ to: paths.settings(workspace, "skills") });
    await refreshSettings(workspace, "skills", "bindings");
  };
  return (
    <ConfirmButton
      label="Delete this skill"
      title={`Delete ${name}?`}
      verb={`Delete ${name} for good`}
      onConfirm={remove}
    >
      It is taken from {agents === 1 ? "1 agent" : `${agents} agents`}. Runs that were given it still show
      which text they had.
    </ConfirmButton>
  );
}
