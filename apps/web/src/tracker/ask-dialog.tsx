import { Button, Group, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { sayFailed } from "../shell/notices.tsx";

/** Asks before something that cannot be taken back, where a menu and not a button of its own began it. */
export function AskDialog(props: {
  open: boolean;
  onClose(): void;
  title: string;
  children: ReactNode;
  verb: string;
  onConfirm(): Promise<unknown>;
}) {
  const { open, onClose, title, children, verb, onConfirm } = props;
  const [busy, setBusy] = useState(false);
  const confirm = () => {
    setBusy(true);
    onConfirm()
      .then(onClose, sayFailed)
      .finally(() => setBusy(false));
  };
  if (!open) return null;
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
