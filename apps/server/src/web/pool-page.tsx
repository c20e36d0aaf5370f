/** @jsxImportSource hono/jsx */
import type { RegistrationTokenRow, Runner } from "@windshift/contract/api/pool.ts";
import type { Me } from "@windshift/contract/api/user.ts";
import { RunnerBadge } from "./badge.tsx";
import { FormError } from "./form-field.tsx";
import { Layout } from "./layout.tsx";
import { DeletePool, PoolSettings } from "./pool-form.tsx";
import { POOLS_PATH } from "./pool-paths.ts";
import { Labels, PoolFacts, PoolFigures, type PoolView } from "./pools-page.tsx";
import { RegistrationTokens } from "./registration-tokens.tsx";
import { Time } from "./time-text.tsx";

/** The pool of the runner inside the server: nothing joins it from elsewhere, and it stays. */
const LOCAL_POOL = "local";

/** One pool: its runners and what can be done about them, the tokens they join with, and its settings. */
export function PoolPage(props: { me: Me; view: PoolView; tokens: readonly RegistrationTokenRow[] }) {
  const { me, view, tokens } = props;
  const { pool, now } = view;
  const isLocal = pool.name === LOCAL_POOL;
  return (
    <Layout
      title={pool.name}
      person={me}
      crumbs={[{ text: "Runners", href: POOLS_PATH }, { text: pool.name }]}
    >
      <div class="wide-page settings-main">
        <header class="headline" id="pool-head" data-refresh>
          <h1>{pool.name}</h1>
          <PoolFigures now={now} />
          <PoolFacts pool={pool} />
          <Waiting now={now} />
        </header>
        <section aria-labelledby="runners-title">
          <h2 id="runners-title">Runners</h2>
          <div id="runners" data-refresh>
            {now.runners.length === 0 && (
              <p class="empty">
                {isLocal
                  ? "No server of this installation runs agents itself: CODING_AGENT_RUNNER_IMAGE is not set."
                  : "No runner has joined yet. Make a registration token below."}
              </p>
            )}
            <ul class="connections">
              {now.runners.map((runner) => (
                <RunnerCard runner={runner} />
              ))}
            </ul>
          </div>
        </section>
        {!isLocal && <RegistrationTokens pool={pool} tokens={tokens} />}
        <PoolSettings pool={pool} />
        {!isLocal && <DeletePool pool={pool} />}
      </div>
    </Layout>
  );
}

/** What the queued runs ask for, when they do not all ask for the same nothing. */
function Waiting({ now }: { now: PoolView["now"] }) {
  const groups = now.queued_by_labels.filter(({ labels }) => labels.length > 0);
  if (groups.length === 0) return null;
  return (
    <ul class="small waiting" aria-label="Queued runs by the labels they ask for">
      {groups.map(({ labels, queued }) => (
        <li>
          {queued} queued for <Labels of={labels} />
        </li>
      ))}
    </ul>
  );
}

function RunnerCard({ runner }: { runner: Runner }) {
  const { id, name, state, version, labels, held, capacity, last_seen_at, alert } = runner;
  return (
    <li class="card connection" id={`runner-${id}`}>
      <div class="connection-head">
        <h3>{name}</h3>
        <RunnerBadge state={state} />
      </div>
      <dl class="facts">
        <div>
          <dt>At work</dt>
          <dd>
            {held} of {capacity}
          </dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{version ?? <span class="muted">unknown</span>}</dd>
        </div>
        <div>
          <dt>Labels</dt>
          <dd>
            <Labels of={labels} />
          </dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>{last_seen_at === null ? <span class="muted">never</span> : <Time at={last_seen_at} />}</dd>
        </div>
      </dl>
      {alert !== null && (
        <div class="callout alert">
          <p>{alert}</p>
          <Act runner={runner} act="clear-alert" text="I have seen to it" />
        </div>
      )}
      {runner.kind === "host" && state !== "revoked" && <Acts runner={runner} />}
    </li>
  );
}

function Acts({ runner }: { runner: Runner }) {
  return (
    <div class="acts">
      {runner.state === "draining" ? (
        <Act runner={runner} act="resume" text="Resume" />
      ) : (
        <Act runner={runner} act="drain" text="Drain" />
      )}
      <details class="new-item">
        <summary>
          Revoke<span class="hidden"> {runner.name}…</span>
        </summary>
        <div class="stack">
          <p class="hint">
            Its credential is refused from its next request on, for good, and what it runs is queued again.
          </p>
          <Act runner={runner} act="revoke" text={`Revoke ${runner.name} for good`} danger />
        </div>
      </details>
    </div>
  );
}

function Act(props: { runner: Runner; act: string; text: string; danger?: boolean }) {
  const { runner, act, text, danger } = props;
  return (
    <form method="post" data-api={`/api/v1/admin/runners/${runner.id}/${act}`} data-then="refresh">
      <FormError />
      <button type="submit" class={danger ? "danger" : ""} id={`runner-${runner.id}-${act}`}>
        {text}
        {!danger && <span class="hidden"> ({runner.name})</span>}
      </button>
    </form>
  );
}
