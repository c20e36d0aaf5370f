import { Group, Text } from "@mantine/core";
import { type ComponentProps, type ReactNode, useState } from "react";
import { sayFailed } from "../shell/notices.tsx";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";

/** A button for what cannot be taken back: says what will happen and asks. */
export function ConfirmButton(
  props: {
    label: string;
    /** What the button shows where the label also names what it is about, as in a list of many. */
    short?: string;
    title: string;
    /** What happens, in a sentence or two. */
    children: ReactNode;
    /** What the button that does it says. */
    verb: string;
    onConfirm(): Promise<unknown>;
  } & Pick<ComponentProps<typeof Button>, "size" | "variant" | "color" | "disabled">,
) {
  const { label, short, title, children, verb, onConfirm, ...look } = props;
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const confirm = () => {
    setBusy(true);
    onConfirm()
      .then(() => setOpen(false), sayFailed)
      .finally(() => setBusy(false));
  };
  return (
    <>
      <Button
        variant="default"
        {...look}
        onClick={() => setOpen(true)}
        {...(short === undefined ? {} : { "aria-label": label })}
      >
        {short ?? label}
      </Button>
      {open && (
        <Dialog title={title} onClose={() => setOpen(false)}>
          <Text component="div">{children}</Text>
          <Group mt="lg" justify="flex-end">
            <Button variant="default" onClick={() => setOpen(false)}>
              Cancel
            </Button>
            <Button color="red" loading={busy} onClick={confirm} data-autofocus>
              {verb}
            </Button>
          </Group>
        </Dialog>
      )}
    </>
  );
}
