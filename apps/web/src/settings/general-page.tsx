import { Button, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { sendApi } from "../api/api.ts";
import { meQuery, useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { Section } from "./settings-section.tsx";

/** Name and key of a workspace, and the way to its first run. */
export function GeneralPage() {
  const workspace = useWorkspaceKey();
  const saved = useMe().workspaces.find(({ key }) => key === workspace);
  const [typed, change, forget, touched] = useEditDraft(`workspace:${workspace}`, {
    name: saved?.name ?? "",
  });
  const form = useApiForm(["name"]);
  const send = async () => {
    await sendApi("PATCH", `/api/v1/workspaces/${workspace}`, typed);
    await queryClient.invalidateQueries(meQuery);
    forget();
  };
  return (
    <>
      <PageHead title="General" />
      <FormFrame
        form={form}
        verb="Save"
        label="General"
        onSend={send}
        onDiscard={touched ? forget : undefined}
        done="Saved."
      >
        <TextInput
          label="Name"
          required
          maxLength={NAME_CHARS_MAX}
          value={typed.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
          error={form.fieldError("name")}
        />
        <TextInput
          label="Key"
          description="Stands in the name of every item and branch, so it stays."
          value={workspace}
          disabled
        />
      </FormFrame>
      <Section title="Guided set-up">
        <Text size="sm" mb="sm">
          Four steps to a first draft pull request: connect a repository and a model, bind an agent, try it.
        </Text>
        <Button component={Link} to={paths.guide(workspace)} variant="default">
          Open the guide
        </Button>
      </Section>
    </>
  );
}
