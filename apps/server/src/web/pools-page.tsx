/** @jsxImportSource hono/jsx */
import type { Pool, PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import type { Me } from "@windshift/contract/api/user.ts";
import { Field, FormError } from "./form-field.tsx";
import { Layout } from "./layout.tsx";
import { PoolFields } from "./pool-form.tsx";
import { poolPath } from "./pool-paths.ts";
import { Time } from "./time-text.tsx";

export interface PoolView {
  pool: Pool;
  now: PoolDiagnostics;
}

/** All pools of the installation: what waits in each, and who is there to take it. */
export function PoolsPage({ me, pools }: { me: Me; pools: readonly PoolView[] }) {
  return (
    <Layout title="Runners" person={me} crumbs={[{ text: "Runners" }]}>
      <div class="wide-page settings-main">
        <header class="headline">
          <h1>Runners</h1>
          <p class="muted">
            Runs wait in the pool that their agent's binding names, until a runner of it that has the
            binding's labels is free.
          </p>
        </header>
        <section aria-labelledby="pools-title">
          <h2 id="pools-title">Pools</h2>
          <ul class="connections" id="pools" data-refresh>
            {pools.map((view) => (
              <PoolCard view={view} />
            ))}
          </ul>
          <NewPool />
        </section>
      </div>
    </Layout>
  );
}

function PoolCard({ view: { pool, now } }: { view: PoolView }) {
  const alerts = now.runners.filter(({ alert }) => alert !== null).length;
  return (
    <li class="card connection">
      <div class="connection-head">
        <h3>
          <a href={poolPath(pool.id)}>{pool.name}</a>
        </h3>
        {alerts > 0 && (
          <p class="problem small">
            {alerts} {alerts === 1 ? "runner needs" : "runners need"} a look
          </p>
        )}
      </div>
      <PoolFigures now={now} />
      <PoolFacts pool={pool} />
    </li>
  );
}

/** How many runs wait and are at work, and how many runners are in which state. */
export function PoolFigures({ now }: { now: PoolDiagnostics }) {
  const figures = [
    ["Queued", now.queued],
    ["Running", `${now.running} of ${now.max_running}`],
    ["Live", now.live],
    ["Free places", now.free],
    ["Draining", now.draining],
    ["Stale", now.stale],
    ["Revoked", now.revoked],
  ] as const;
  return (
    <dl class="facts figures">
      {figures.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {now.oldest_queued_at !== null && (
        <div>
          <dt>Oldest in the queue</dt>
          <dd>
            <Time at={now.oldest_queued_at} />
          </dd>
        </div>
      )}
    </dl>
  );
}

/** What was set of the pool. */
export function PoolFacts({ pool }: { pool: Pool }) {
  return (
    <dl class="facts">
      <div>
        <dt>Labels</dt>
        <dd>
          <Labels of={pool.labels} />
        </dd>
      </div>
      <div>
        <dt>Open to</dt>
        <dd>{pool.workspaces.length === 0 ? "all workspaces" : pool.workspaces.join(", ")}</dd>
      </div>
    </dl>
  );
}

export function Labels({ of }: { of: readonly string[] }) {
  if (of.length === 0) return <span class="muted">none</span>;
  return (
    <span class="labels">
      {of.map((label) => (
        <span class="tag">{label}</span>
      ))}
    </span>
  );
}

function NewPool() {
  return (
    <details class="new-item">
      <summary>New pool</summary>
      <form
        class="card stack settings-form"
        method="post"
        data-api="/api/v1/admin/pools"
        data-then={poolPath("{id}")}
      >
        <FormError />
        <Field
          id="new-name"
          name="name"
          label="Name"
          hint="Small letters, digits, . _ and -; it cannot be changed."
        >
          <input
            id="new-name"
            name="name"
            type="text"
            required
            autocomplete="off"
            spellcheck={false}
            aria-describedby="new-name-hint"
          />
        </Field>
        <PoolFields id="new" />
        <button type="submit" class="primary">
          Make pool
        </button>
      </form>
    </details>
  );
}
