import { Button } from "@mantine/core";
import type { Runner } from "@windshift/contract/api/pool.ts";
import { sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { Facts, StateWord, Tags } from "../settings/settings-section.tsx";
import { sayFailed } from "../shell/notices.tsx";

const STATES: Record<Runner["state"], ["good" | "wait" | "bad" | "plain", string]> = {
  live: ["good", "Live"],
  stale: ["bad", "Stale"],
  draining: ["wait", "Draining"],
  revoked: ["plain", "Revoked"],
};

/** One runner: how it is, and what can be done about it. */
export function RunnerRow({ runner }: { runner: Runner }) {
  const { name, state, version, labels, held, capacity, last_seen_at, alert } = runner;
  const [kind, word] = STATES[state];
  return (
    <li className="row" id={`runner-${runner.id}`}>
      <div className="row-line">
        <h3 className="row-name">{name}</h3>
        <StateWord state={kind}>{word}</StateWord>
        {runner.kind === "host" && (
          <span className="row-end">
            <Acts runner={runner} />
          </span>
        )}
      </div>
      <Facts
        of={[
          ["At work", `${held} of ${capacity}`],
          ["Version", version ?? "unknown"],
          ["Labels", <Tags key="labels" of={labels} />],
          [
            "Last seen",
            last_seen_at === null ? (
              <span key="never" className="quiet">
                never
              </span>
            ) : (
              <TimeText key="seen" at={last_seen_at} />
            ),
          ],
        ]}
      />
      {alert !== null && (
        <div className="alert-line" role="alert">
          <p>{alert}</p>
          <Act runner={runner} act="clear-alert" text="I have seen to it" />
        </div>
      )}
    </li>
  );
}

async function actOn(runner: Runner, method: "POST" | "DELETE", act: string): Promise<void> {
  await sendApi(method, `/api/v1/admin/runners/${runner.id}${act}`);
  await queryClient.invalidateQueries({ queryKey: ["admin", "diagnostics"] });
}

function Acts({ runner }: { runner: Runner }) {
  const { name, state } = runner;
  return (
    <>
      {state === "draining" && <Act runner={runner} act="resume" text="Resume" />}
      {(state === "live" || state === "stale") && <Act runner={runner} act="drain" text="Drain" />}
      {state !== "revoked" && (
        <ConfirmButton
          size="xs"
          label={`Revoke ${name}`}
          short="Revoke"
          title={`Revoke ${name}?`}
          verb={`Revoke ${name} for good`}
          onConfirm={() => actOn(runner, "POST", "/revoke")}
        >
          Its credential is refused from its next request on, for good, and what it runs is queued again.
        </ConfirmButton>
      )}
      {(state === "revoked" || state === "stale") && (
        <ConfirmButton
          size="xs"
          label={`Delete ${name}`}
          short="Delete"
          title={`Delete ${name}?`}
          verb="Delete the runner"
          onConfirm={() => actOn(runner, "DELETE", "")}
        >
          It is taken from this list. What it ran stays.
        </ConfirmButton>
      )}
    </>
  );
}

function Act({ runner, act, text }: { runner: Runner; act: string; text: string }) {
  return (
    <Button
      size="xs"
      variant="default"
      aria-label={`${text} (${runner.name})`}
      onClick={() => actOn(runner, "POST", `/${act}`).catch(sayFailed)}
    >
      {text}
    </Button>
  );
}
