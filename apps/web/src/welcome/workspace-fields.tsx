import { TextInput } from "@mantine/core";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";

/** Name and key of a new workspace. */
export function WorkspaceFields(props: {
  typed: { name: string; key: string };
  change(part: Partial<{ name: string; key: string }>): void;
  nameError: string | undefined;
  keyError: string | undefined;
}) {
  const { typed, change } = props;
  return (
    <>
      <TextInput
        label="Name"
        required
        maxLength={NAME_CHARS_MAX}
        value={typed.name}
        onChange={(event) => {
          const name = event.currentTarget.value;
          change({ name, ...(typed.key === keyFrom(typed.name) ? { key: keyFrom(name) } : {}) });
        }}
        error={props.nameError}
      />
      <TextInput
        label="Key"
        description={`Stands before the number of each item, as in ${typed.key || "DEMO"}-12. It cannot be changed.`}
        required
        maxLength={10}
        value={typed.key}
        onChange={(event) => change({ key: event.currentTarget.value.toUpperCase() })}
        error={props.keyError}
      />
    </>
  );
}

/** The key that is proposed for a name: its first letters. */
export function keyFrom(name: string): string {
  const letters = name
    .normalize("NFKD")
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "")
    .replace(/^[0-9]+/, "");
  return letters.length < 2 ? "" : letters.slice(0, 4);
}
