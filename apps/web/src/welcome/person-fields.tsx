import { TextInput } from "@mantine/core";
import { NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "@windshift/contract/limits.ts";
import type { ApiForm } from "../parts/api-form.ts";

export interface PersonTyped {
  name: string;
  email: string;
  password: string;
}

/** Name, e-mail address and password of somebody new. */
export function PersonFields(props: {
  form: ApiForm;
  person: PersonTyped;
  change(part: Partial<PersonTyped>): void;
  /** Where the address is given. */
  emailFixed?: boolean;
}) {
  const { form, person, change, emailFixed } = props;
  return (
    <>
      <TextInput
        label="Name"
        autoComplete="name"
        required
        maxLength={NAME_CHARS_MAX}
        value={person.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={form.fieldError("name")}
      />
      <TextInput
        label="E-mail"
        type="email"
        autoComplete="username"
        required
        readOnly={emailFixed === true}
        maxLength={254}
        value={person.email}
        onChange={(event) => change({ email: event.currentTarget.value })}
        error={form.fieldError("email")}
      />
      <NewPasswordField
        value={person.password}
        onChange={(password) => change({ password })}
        error={form.fieldError("password")}
      />
    </>
  );
}

/** A password that is being chosen, not asked for: password managers offer to make one. */
export function NewPasswordField(props: {
  label?: string;
  value: string;
  onChange(value: string): void;
  error: string | undefined;
}) {
  return (
    <TextInput
      type="password"
      label={props.label ?? "Password"}
      description={`At least ${PASSWORD_CHARS_MIN} characters.`}
      autoComplete="new-password"
      required
      maxLength={PASSWORD_CHARS_MAX}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={props.error}
    />
  );
}
