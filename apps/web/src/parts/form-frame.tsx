import { Button, type ButtonProps, Group, Stack, Text } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { sayDone } from "../shell/notices.tsx";
import type { ApiForm } from "./api-form.ts";

/** A form with its button, and above it what is wrong with the form as a whole. */
export function FormFrame(
  props: {
    form: ApiForm;
    /** What the button says. */
    verb: string;
    /** Names the form to those who do not see what stands around it. */
    label?: string;
    onSend(): Promise<unknown>;
    /** Said when it worked; nothing without it. */
    done?: string;
    /** Beside the button. */
    aside?: ReactNode;
    children: ReactNode;
  } & Pick<ButtonProps, "variant" | "disabled">,
) {
  const { form, verb, label, onSend, done, aside, children, ...look } = props;
  const send = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (form.busy) return;
    if ((await form.submit(onSend)) && done !== undefined) sayDone(done);
  };
  return (
    <form onSubmit={send} aria-label={label} autoComplete="off" className="form-frame">
      <Stack gap="sm">
        {children}
        {form.problem !== undefined && (
          <Text role="alert" c="var(--mantine-color-error)" size="sm">
            {form.problem}
          </Text>
        )}
        <Group gap="sm">
          <Button type="submit" loading={form.busy} {...look}>
            {verb}
          </Button>
          {aside}
        </Group>
      </Stack>
    </form>
  );
}
