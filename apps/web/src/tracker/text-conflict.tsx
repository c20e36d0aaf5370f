import { Alert, Button, Group } from "@mantine/core";

/** Two texts for one place: what somebody else saved meanwhile, and what the reader wrote. Neither is lost. */
export function TextConflict(props: {
  what: string;
  theirs: string;
  mine: string;
  busy: boolean;
  onOverwrite(): void;
  onTakeTheirs(): void;
}) {
  const { what, theirs, mine, busy, onOverwrite, onTakeTheirs } = props;
  return (
    <Alert
      role="alert"
      variant="default"
      className="conflict"
      title={`Somebody else changed the ${what} while you wrote`}
    >
      <div className="conflict-texts">
        <section aria-label="What they saved">
          <h3>What they saved</h3>
          <pre>{theirs === "" ? "(nothing)" : theirs}</pre>
        </section>
        <section aria-label="What you wrote">
          <h3>What you wrote</h3>
          <pre>{mine === "" ? "(nothing)" : mine}</pre>
        </section>
      </div>
      <p>Change your text in the field above so that it holds both, then save it; or take theirs.</p>
      <Group gap="xs">
        <Button size="compact-sm" onClick={onOverwrite} loading={busy}>
          Save mine in its place
        </Button>
        <Button size="compact-sm" variant="default" onClick={onTakeTheirs}>
          Take theirs, drop mine
        </Button>
      </Group>
    </Alert>
  );
}
