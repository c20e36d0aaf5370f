import { type ComponentProps, useState } from "react";
import { Button } from "./button.tsx";
import { type Confirmation, ConfirmDialog } from "./confirm-dialog.tsx";

/** A button for what cannot be taken back: says what will happen and asks. */
export function ConfirmButton(
  props: Confirmation & {
    label: string;
    /** What the button shows where the label also names what it is about, as in a list of many. */
    short?: string;
  } & Pick<ComponentProps<typeof Button>, "size" | "variant" | "color" | "disabled">,
) {
  const { label, short, title, children, verb, onConfirm, ...look } = props;
  const [open, setOpen] = useState(false);
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
        <ConfirmDialog title={title} verb={verb} onConfirm={onConfirm} onClose={() => setOpen(false)}>
          {children}
        </ConfirmDialog>
      )}
    </>
  );
}
