/** @jsxImportSource hono/jsx */
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { Model } from "@windshift/contract/api/model.ts";
import {
  LLM_CONTEXT_TOKENS_MAX,
  LLM_CONTEXT_TOKENS_MIN,
  MODEL_CHARS_MAX,
} from "@windshift/contract/limits.ts";
import { Field, FormError } from "./form-field.tsx";
import { dollarAmount } from "./money-text.ts";

/** A model of which something is known, or that a binding calls. */
export interface ModelView {
  model: string;
  facts: Model | undefined;
  /** Names of the agents that call it, first or as a fallback. */
  agents: string[];
}

/** Prices and context windows: a table in which every line is a form. */
export function ModelRows({ connection, models }: { connection: Connection; models: readonly ModelView[] }) {
  const at = `/api/v1/connections/${connection.id}/models`;
  return (
    <section aria-labelledby="models-title">
      <h2 id="models-title">Models, prices and context windows</h2>
      <p class="muted small">
        Prices are dollars for a million tokens. Where a budget counts dollars, a model without a price is
        refused.
      </p>
      <p class="result" id="models-result" role="status"></p>
      <div id="models" data-refresh>
        {models.length === 0 && <p class="empty">Nothing is known of any model yet.</p>}
        {models.length > 0 && (
          <ul class="card models">
            {models.map((one) => (
              <ModelRow at={at} of={one} />
            ))}
          </ul>
        )}
      </div>
      <NewModel at={at} />
    </section>
  );
}

function ModelRow({ at, of }: { at: string; of: ModelView }) {
  const { model, facts, agents } = of;
  const path = `${at}/${encodeURIComponent(model)}`;
  const id = `model-${model}`;
  return (
    <li class="model">
      <div class="model-head">
        <h3 id={id} tabindex={-1}>
          <code>{model}</code>
        </h3>
        {(facts?.input_price ?? null) === null || (facts?.output_price ?? null) === null ? (
          <span class="badge wait">No price</span>
        ) : null}
        {agents.length > 0 && <span class="muted small">called by {agents.join(", ")}</span>}
      </div>
      <div class="model-forms">
        <form
          class="model-form"
          method="post"
          aria-labelledby={id}
          data-api={path}
          data-method="PUT"
          data-then="refresh"
          data-result="models-result"
          data-said="Saved {model}."
        >
          <FormError />
          <FactFields id={id} facts={facts} />
          <button type="submit" id={`${id}-save`}>
            Save<span class="hidden"> {model}</span>
          </button>
        </form>
        {facts && (
          <form
            method="post"
            data-api={path}
            data-method="DELETE"
            data-then="refresh"
            data-result="models-result"
            data-said={`Removed what was known of ${model}.`}
          >
            <FormError />
            <button type="submit" class="quiet" id={`${id}-remove`}>
              Remove<span class="hidden"> {model}</span>
            </button>
          </form>
        )}
      </div>
    </li>
  );
}

function FactFields({ id, facts }: { id: string; facts: Model | undefined }) {
  const price = (name: "input_price" | "cached_input_price" | "output_price", label: string) => (
    <Field id={`${id}-${name}`} name={name} label={label}>
      <input
        id={`${id}-${name}`}
        name={name}
        type="number"
        min="0"
        step="any"
        inputmode="decimal"
        value={dollarAmount(facts?.[name] ?? null)}
        data-type="dollars"
        data-empty="null"
      />
    </Field>
  );
  return (
    <>
      {price("input_price", "Input, $")}
      {price("cached_input_price", "Cached input, $")}
      {price("output_price", "Output, $")}
      <Field id={`${id}-window`} name="context_window" label="Context, tokens">
        <input
          id={`${id}-window`}
          name="context_window"
          type="number"
          min={LLM_CONTEXT_TOKENS_MIN}
          max={LLM_CONTEXT_TOKENS_MAX}
          step="1"
          value={facts?.context_window ?? ""}
          data-type="integer"
          data-empty="null"
        />
      </Field>
      <label class="tick">
        <input id={`${id}-images`} name="images" type="checkbox" checked={facts?.images ?? false} /> Takes
        pictures
      </label>
    </>
  );
}

function NewModel({ at }: { at: string }) {
  return (
    <details class="new-item">
      <summary>Add a model</summary>
      <form
        class="card stack"
        method="post"
        data-api={`${at}/{model}`}
        data-method="PUT"
        data-then="refresh"
        data-clear
        data-result="models-result"
        data-said="Saved {model}."
      >
        <FormError />
        <Field
          id="new-model"
          name="model"
          label="Model"
          hint="As the provider writes it, such as gpt-5.1-mini."
        >
          <input
            id="new-model"
            name="model"
            type="text"
            required
            maxlength={MODEL_CHARS_MAX}
            spellcheck={false}
            aria-describedby="new-model-hint"
          />
        </Field>
        <div class="model-form">
          <FactFields id="new" facts={undefined} />
        </div>
        <button type="submit" id="new-model-save">
          Add model
        </button>
      </form>
    </details>
  );
}
