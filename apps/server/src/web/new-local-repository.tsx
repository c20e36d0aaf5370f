/** @jsxImportSource hono/jsx */
import { Field, FormError } from "./form-field.tsx";

/** Makes an empty repository on the server. */
export function NewLocalRepository(props: { workspace: string; connectionId: number }) {
  return (
    <details class="new-item">
      <summary>New repository</summary>
      <form
        class="card stack settings-form"
        method="post"
        data-api={`/api/v1/workspaces/${props.workspace}/repositories`}
        data-then="refresh"
        data-clear
        data-result="repository-result"
        data-said="{owner}/{name} was made; its default branch is {default_branch}."
      >
        <FormError />
        <input type="hidden" name="connection_id" value={String(props.connectionId)} data-type="integer" />
        <Field id="repository-owner" name="owner" label="Owner">
          <input id="repository-owner" name="owner" type="text" required spellcheck={false} />
        </Field>
        <Field id="repository-name" name="name" label="Repository">
          <input id="repository-name" name="name" type="text" required spellcheck={false} />
        </Field>
        <Field id="repository-branch" name="default_branch" label="Default branch">
          <input
            id="repository-branch"
            name="default_branch"
            type="text"
            required
            value="main"
            spellcheck={false}
          />
        </Field>
        <button type="submit" id="repository-create">
          Make repository
        </button>
        <p class="result" id="repository-result" role="status"></p>
      </form>
    </details>
  );
}
