import { TextInput, type TextInputProps } from "@mantine/core";

/** A secret that goes in and never comes out: not remembered by the browser, not kept as a draft. */
export function SecretField(props: Omit<TextInputProps, "type">) {
  return (
    <TextInput type="password" autoComplete="new-password" spellCheck={false} data-1p-ignore {...props} />
  );
}
