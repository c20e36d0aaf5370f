import { Checkbox, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { paths } from "../paths.ts";
import type { BindingFields } from "./binding-model-fields.tsx";
import { skillsQuery } from "./settings-queries.ts";

/** The skills of the workspace, to be given to the agent; the prompt lists them in the order in which they were chosen. */
export function SkillFields({ form, typed, change, workspace }: BindingFields & { workspace: string }) {
  const { skills } = useSuspenseQuery(skillsQuery(workspace)).data;
  if (skills.length === 0)
    return (
      <Text size="sm" c="dimmed">
        The workspace has no skills yet. <Link to={paths.settings(workspace, "skills")}>Write one</Link> to
        tell agents how things are done here.
      </Text>
    );
  return (
    <Checkbox.Group
      label="Skills"
      description="Documents that the agent reads when it needs them."
      // One that a draft names may be gone.
      value={typed.skill_ids.filter((one) => skills.some(({ id }) => id === one)).map(String)}
      onChange={(ids) => change({ skill_ids: ids.map(Number) })}
      error={form.fieldError("skill_ids")}
    >
      <Stack gap={6} mt={6}>
        {skills.map(({ id, name, description, enabled }) => (
          <Checkbox
            key={id}
            value={String(id)}
            label={enabled ? name : `${name} (switched off)`}
            description={description}
          />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}
