/** @jsxImportSource hono/jsx */
import type { Pool, RegistrationTokenRow } from "@windshift/contract/api/pool.ts";
import { Field, FormError } from "./form-field.tsx";
import { Time, timeText } from "./time-text.tsx";

/** How long a token may be good for; the first is what is chosen. */
const LIVES = [
  { text: "1 hour", seconds: 3_600 },
  { text: "1 day", seconds: 86_400 },
  { text: "7 days", seconds: 604_800 },
] as const;

const STATE_TEXT: Record<RegistrationTokenRow["state"], string> = {
  unused: "Open",
  used: "Used",
  expired: "Expired",
  revoked: "Revoked",
};

/** Where a token is made, which is shown once, and what became of the others. */
export function RegistrationTokens({
  pool,
  tokens,
}: {
  pool: Pool;
  tokens: readonly RegistrationTokenRow[];
}) {
  const at = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  return (
    <section aria-labelledby="tokens-title">
      <h2 id="tokens-title">Add a runner</h2>
      <form
        class="card stack settings-form"
        method="post"
        data-api={at}
        data-then="refresh"
        data-result="install-line"
        data-said="{install_command}"
      >
        <p>
          A registration token lets one runner join this pool, once. The line installs windshift-runner on a
          Debian or Alpine host and starts it.
        </p>
        <FormError />
        <Field id="token-life" name="expires_in_s" label="May be used within">
          <select id="token-life" name="expires_in_s" data-type="integer">
            {LIVES.map(({ text, seconds }) => (
              <option value={seconds}>{text}</option>
            ))}
          </select>
        </Field>
        <button type="submit" class="primary" id="token-make">
          Make a registration token
        </button>
        <p class="hint">The line with the token is shown this once; a click selects it.</p>
        <p class="result secret-line" id="install-line" role="status"></p>
        <button type="button" id="install-copy" data-copy="install-line">
          Copy the line
        </button>
      </form>
      <div id="tokens" data-refresh>
        {tokens.length > 0 && (
          <ul class="card tokens" aria-label="Registration tokens, newest first">
            {tokens.map((token) => (
              <TokenRow at={at} token={token} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function TokenRow({ at, token }: { at: string; token: RegistrationTokenRow }) {
  const { id, state, created_at, expires_at } = token;
  return (
    <li>
      <span>
        Token {id} <span class="tag">{STATE_TEXT[state]}</span>
      </span>
      <span class="muted small">
        made <Time at={created_at} />
        {state === "unused" && `, may be used until ${timeText(expires_at)}`}
      </span>
      {state === "unused" && (
        <form method="post" data-api={`${at}/${id}`} data-method="DELETE" data-then="refresh">
          <FormError />
          <button type="submit" id={`token-${id}-revoke`}>
            Revoke<span class="hidden"> token {id}</span>
          </button>
        </form>
      )}
    </li>
  );
}
