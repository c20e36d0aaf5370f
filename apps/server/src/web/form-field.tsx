/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";

interface FieldProps {
  name: string;
  label: string;
  hint?: string;
  /** The label is for screen readers only, where the place says what the field is. */
  labelHidden?: boolean;
  /** The input, select or text area; its id is `id`. */
  children?: Child;
  id: string;
}

/** A labeled field and the place where the script shows what is wrong with it. */
export function Field(props: FieldProps) {
  return (
    <div class="field">
      <label for={props.id} class={props.labelHidden ? "hidden" : ""}>
        {props.label}
      </label>
      {props.children}
      {props.hint && (
        <p class="hint" id={`${props.id}-hint`}>
          {props.hint}
        </p>
      )}
      <p class="field-error" id={`${props.id}-error`} data-error-for={props.name} hidden></p>
    </div>
  );
}

/** Where the script says why a form was not taken. */
export function FormError() {
  return <p class="form-error" role="alert" data-form-error hidden></p>;
}
