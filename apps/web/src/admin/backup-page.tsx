import { Button, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Backup } from "@windshift/contract/api/backup.ts";
import { sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CopyLine } from "../parts/copy-line.tsx";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { Facts, StateWord } from "../settings/settings-section.tsx";
import { backupsQuery } from "./admin-queries.ts";

/** Saves what the server has into a file, to be downloaded and kept elsewhere. */
export function BackupPage() {
  const { database_command, folder, backups } = useSuspenseQuery(backupsQuery).data;
  const form = useApiForm();
  const send = async () => {
    await sendApi("POST", "/api/v1/admin/backups", {});
    await queryClient.invalidateQueries(backupsQuery);
  };
  return (
    <>
      <PageHead title="Backup" />
      <FormFrame form={form} verb="Make a backup now" label="Backup" onSend={send}>
        <Text size="sm">
          {database_command === null
            ? "A backup holds the database and the repositories of this server, in one tar file."
            : "A backup holds the repositories of this server, in one tar file. The database is saved by PostgreSQL itself:"}{" "}
          Keep it elsewhere: it holds everything but the master key, without which stored credentials cannot
          be read.
        </Text>
        {database_command !== null && <CopyLine text={database_command} label="the command" />}
        <Text size="sm" c="dimmed">
          Backups lie in <code>{folder}</code> on the server until they are deleted.
        </Text>
      </FormFrame>
      {backups.length === 0 && <EmptyState title="No backup yet" />}
      <ul className="rows" aria-label="Backups, newest first" aria-live="polite">
        {backups.map((backup) => (
          <BackupRow key={backup.id} backup={backup} />
        ))}
      </ul>
    </>
  );
}

const STATES = { running: "wait", done: "good", failed: "bad" } as const;
const WORDS = { running: "Being written", done: "Done", failed: "Failed" } as const;

function BackupRow({ backup }: { backup: Backup }) {
  const { id, state, bytes, sha256, database, repositories, problem, created_at } = backup;
  const at = `/api/v1/admin/backups/${encodeURIComponent(id)}`;
  const remove = async () => {
    await sendApi("DELETE", at);
    await queryClient.invalidateQueries(backupsQuery);
  };
  const holds = [
    ...(database ? ["the database"] : []),
    `${repositories} ${repositories === 1 ? "repository" : "repositories"}`,
  ];
  return (
    <li className="row">
      <div className="row-line">
        <h2 className="row-name">{id}</h2>
        <StateWord state={STATES[state]}>{WORDS[state]}</StateWord>
        <span className="row-end">
          {state === "done" && (
            <Button
              size="xs"
              variant="default"
              component="a"
              href={`${at}/download`}
              download={id}
              aria-label={`Download ${id}`}
            >
              Download
            </Button>
          )}
          {state !== "running" && (
            <ConfirmButton
              size="xs"
              label={`Delete ${id}`}
              short="Delete"
              title={`Delete ${id}?`}
              verb="Delete the backup"
              onConfirm={remove}
            >
              The file is gone for good.
            </ConfirmButton>
          )}
        </span>
      </div>
      {problem !== null && <p className="warn">{problem}</p>}
      <Facts
        of={[
          ["Made", <TimeText key="made" at={created_at} />],
          ["Size", sizeText(bytes)],
          ["Holds", holds.join(" and ")],
          ...(sha256 === null ? [] : ([["SHA-256", <code key="sha">{sha256}</code>]] as const)),
        ]}
      />
    </li>
  );
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** Bytes as people read them: `1.4 MB`. */
export function sizeText(bytes: number): string {
  const power = bytes < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}
