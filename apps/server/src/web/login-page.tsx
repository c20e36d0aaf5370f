/** @jsxImportSource hono/jsx */
import { NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "@windshift/contract/limits.ts";
import { Field, FormError } from "./form-field.tsx";
import { Layout, Mark } from "./layout.tsx";

/** @param props.next where to go after sign-in */
export function LoginPage(props: { next: string }) {
  return (
    <Layout title="Sign in">
      <div class="door">
        <Mark />
        <h1>Sign in</h1>
        <form method="post" data-api="/api/auth/sign-in/email" data-then={props.next}>
          <FormError />
          <EmailField />
          <Field id="password" name="password" label="Password">
            <input
              id="password"
              name="password"
              type="password"
              required
              maxlength={PASSWORD_CHARS_MAX}
              autocomplete="current-password"
            />
          </Field>
          <button type="submit" class="primary wide">
            Sign in
          </button>
        </form>
        <p class="muted small">No account? Ask an administrator of this installation.</p>
      </div>
    </Layout>
  );
}

/** Shown until the first administrator exists, and never again. */
export function SetUpPage() {
  return (
    <Layout title="Set up">
      <div class="door">
        <Mark />
        <h1>Set up Windshift</h1>
        <p class="muted">
          Make the first administrator of this installation. You can add people and workspaces afterwards.
        </p>
        <form method="post" data-api="/api/v1/setup" data-then="/login">
          <FormError />
          <Field id="name" name="name" label="Name">
            <input
              id="name"
              name="name"
              type="text"
              required
              maxlength={NAME_CHARS_MAX}
              autocomplete="name"
            />
          </Field>
          <EmailField />
          <Field
            id="password"
            name="password"
            label="Password"
            hint={`At least ${PASSWORD_CHARS_MIN} characters.`}
          >
            <input
              id="password"
              name="password"
              type="password"
              required
              minlength={PASSWORD_CHARS_MIN}
              maxlength={PASSWORD_CHARS_MAX}
              autocomplete="new-password"
              aria-describedby="password-hint"
            />
          </Field>
          <button type="submit" class="primary wide">
            Create administrator
          </button>
        </form>
      </div>
    </Layout>
  );
}

function EmailField() {
  return (
    <Field id="email" name="email" label="E-mail">
      <input id="email" name="email" type="email" required maxlength={254} autocomplete="username" />
    </Field>
  );
}
