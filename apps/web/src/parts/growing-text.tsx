import { Input } from "@mantine/core";
import { type ComponentPropsWithRef, type CSSProperties, type ReactNode, useId } from "react";

/**
 * A field of several lines that grows with what is in it. The browser does that by itself (`field-sizing`), where a script would
 * have to lay the whole page out for each letter; one that cannot shows `rowsMin` lines with a handle.
 */
export function GrowingText(
  props: Omit<ComponentPropsWithRef<"textarea">, "rows"> & {
    label?: string;
    description?: ReactNode;
    error?: ReactNode;
    rowsMin: number;
    rowsMax: number;
  },
) {
  const { label, description, error, rowsMin, rowsMax, className, required, ...rest } = props;
  const id = useId();
  return (
    <Input.Wrapper
      id={id}
      label={label}
      description={description}
      error={error}
      required={required ?? false}
      {...(className === undefined ? {} : { className })}
    >
      <Input
        {...(rest as object)}
        component="textarea"
        id={id}
        multiline
        required={required ?? false}
        error={error}
        rows={rowsMin}
        classNames={{ input: "grows" }}
        styles={{ input: { "--rows-min": rowsMin, "--rows-max": rowsMax } as CSSProperties }}
      />
    </Input.Wrapper>
  );
}
