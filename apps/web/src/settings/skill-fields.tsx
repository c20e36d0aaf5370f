import { Switch, TextInput } from "@mantine/core";
import { SKILL_DESCRIPTION_CHARS_MAX, SKILL_NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import type { ApiForm } from "../parts/api-form.ts";
import { GrowingText } from "../parts/growing-text.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { Switcher } from "../parts/switcher.tsx";

export interface SkillTyped {
  name: string;
  description: string;
  body: string;
  enabled: boolean;
}
export const SKILL_FIELDS = ["name", "description", "body"] as const;

/** Name, description and text of a skill, the text with a preview. */
export function SkillFields(props: {
  form: ApiForm;
  typed: SkillTyped;
  change(part: Partial<SkillTyped>): void;
}) {
  const { form, typed, change } = props;
  const [view, setView] = useState("write");
  return (
    <>
      <TextInput
        label="Name"
        required
        maxLength={SKILL_NAME_CHARS_MAX}
        value={typed.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={form.fieldError("name")}
      />
      <TextInput
        label="Description"
        description="One line that tells the agent when to read it."
        required
        maxLength={SKILL_DESCRIPTION_CHARS_MAX}
        value={typed.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
        error={form.fieldError("description")}
      />
      <Switcher
        label="Text"
        value={view}
        onChange={setView}
        choices={[
          { value: "write", text: "Write" },
          { value: "preview", text: "Preview" },
        ]}
      />
      {view === "preview" ? (
        <>
          <section className="preview" aria-label="Preview">
            <Markdown text={typed.body} />
          </section>
          {form.fieldError("body") !== undefined && (
            <p role="alert" className="problem">
              {form.fieldError("body")}
            </p>
          )}
        </>
      ) : (
        <GrowingText
          label="Text, in Markdown"
          required
          rowsMin={10}
          rowsMax={28}
          className="code-text"
          value={typed.body}
          onChange={(event) => change({ body: event.currentTarget.value })}
          error={form.fieldError("body")}
        />
      )}
      <Switch
        label="Given to runs"
        checked={typed.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
    </>
  );
}
