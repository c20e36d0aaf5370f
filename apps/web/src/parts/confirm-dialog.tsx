import { Group, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { sayFailed } from "../shell/notices.tsx";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";

/** What a question is about, and what happens at a yes. */
export interface Confirmation {
  title: string;
  /** What happens, in a sentence or two. */
  children: ReactNode;
  /** What the button that does it says. */
  verb: string;
  onConfirm(): Promise<unknown>;
}

/** Says what will happen and asks; stays open when it fails. */
export function ConfirmDialog(props: Confirmation & { onClose(): void }) {
  const { title, children, verb, onConfirm, onClose } = props;
  const [busy, setBusy] = useState(false);
  const confirm = () => {
    setBusy(true);
    onConfirm()
      .then(onClose, sayFailed)
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <Text component="div">{children}</Text>
      <Group mt="lg" justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button color="red" loading={busy} onClick={confirm} data-autofocus>
          {verb}
        </Button>
      </Group>
    </Dialog>
  );
}
