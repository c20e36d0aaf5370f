import { Input } from "@mantine/core";
import { type ComponentPropsWithRef, type CSSProperties, type ReactNode, useId } from "react";

const { root, wrapper, input } = Input.classes;
/** Between a field and what is said above and below it. */
const FIELD_GAP = "calc(var(--mantine-spacing-xs) / 2)";

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
  const bad = error !== undefined && error !== null && error !== false;
  const about = [
    ...(bad ? [`${id}-error`] : []),
    ...(description === undefined ? [] : [`${id}-description`]),
  ];
  const margins = {
    ...(description === undefined ? {} : { "--input-margin-top": FIELD_GAP }),
    ...(bad ? { "--input-margin-bottom": FIELD_GAP } : {}),
  };
  return (
    <div className={`${root} growing ${className ?? ""}`}>
      {label !== undefined && (
        <Input.Label htmlFor={id} required={required ?? false}>
          {label}
        </Input.Label>
      )}
      {description !== undefined && (
        <Input.Description id={`${id}-description`} className="growing-about">
          {description}
        </Input.Description>
      )}
      <div
        className={`${wrapper} field`}
        data-variant="default"
        data-size="sm"
        data-multiline
        data-error={bad || undefined}
        style={margins as CSSProperties}
      >
        <textarea
          {...rest}
          id={id}
          className={`${input} grows`}
          required={required ?? false}
          rows={rowsMin}
          {...(bad ? { "aria-invalid": true } : {})}
          {...(about.length > 0 ? { "aria-describedby": about.join(" ") } : {})}
          style={{ "--rows-min": rowsMin, "--rows-max": rowsMax } as CSSProperties}
        />
      </div>
      {bad && <Input.Error id={`${id}-error`}>{error}</Input.Error>}
    </div>
  );
}
