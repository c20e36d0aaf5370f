import { Button, type ButtonProps, Group, Stack, Text } from "@mantine/core";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { sayDone } from "../shell/notices.tsx";
import type { ApiForm } from "./api-form.ts";

/** A form with its button, and above it what is wrong with the form as a whole. The first field that is refused has the focus. */
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
    /** Puts back what is stored, while something else was typed and is kept here; undefined while nothing was. */
    onDiscard?: (() => void) | undefined;
    /** Beside the button. */
    aside?: ReactNode;
    children: ReactNode;
  } & Pick<ButtonProps, "variant" | "disabled">,
) {
  const { form, verb, label, onSend, done, onDiscard, aside, children, ...look } = props;
  const place = useRef<HTMLFormElement>(null);
  const [refused, setRefused] = useState(0);
  // What is wrong may stand out of view, and is heard only where the focus is.
  useEffect(() => {
    if (refused > 0) place.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [refused]);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (form.busy) return;
    if (!(await form.submit(onSend))) setRefused((times) => times + 1);
    else if (done !== undefined) sayDone(done);
  };
  return (
    <form ref={place} onSubmit={send} aria-label={label} autoComplete="off" className="form-frame">
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
          {onDiscard !== undefined && !form.busy && (
            <Discard
              onDiscard={() => {
                onDiscard();
                form.clear();
              }}
            />
          )}
          {aside}
        </Group>
      </Stack>
    </form>
  );
}

/** What was typed outlives a reload, so it is told apart from what is stored. */
function Discard({ onDiscard }: { onDiscard(): void }) {
  return (
    <>
      <Text size="sm" c="dimmed">
        Not saved yet.
      </Text>
      <Button variant="subtle" onClick={onDiscard}>
        Discard
      </Button>
    </>
  );
}
