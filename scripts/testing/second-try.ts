import type { ProcessOutcome } from "./tally.ts";

/** Files that are tried again; when more fail something is broken, and to try again would only cost time. */
const FILES_MAX = 8;

/** Files with a failed test that deserve a run by themselves; none when much failed, or the process did not come to its end. */
export function filesToTryAgain({ cases, timedOut }: ProcessOutcome): string[] {
  if (cases === undefined || timedOut) return [];
  const failed = [...new Set(cases.filter(({ outcome }) => outcome === "failed").map(({ file }) => file))];
  return failed.length <= FILES_MAX ? failed : [];
}

/**
 * What holds after some files ran once more, alone: a file that passed wholly then counts as passed, and is named, since a test
 * that depends on what runs beside it wants mending. All else stays as it was.
 */
export function afterSecondTry(
  first: ProcessOutcome,
  second: ProcessOutcome,
): { outcome: ProcessOutcome; notes: string[] } {
  const again = second.cases ?? [];
  const ofFile = (cases: NonNullable<ProcessOutcome["cases"]>, file: string) =>
    cases.filter((test) => test.file === file);
  const steady = second.timedOut
    ? []
    : second.files.filter((file) => {
        const cases = ofFile(again, file);
        return cases.length > 0 && cases.every(({ outcome }) => outcome !== "failed");
      });
  const cases = [
    ...(first.cases ?? []).filter(({ file }) => !steady.includes(file)),
    ...again.filter(({ file }) => steady.includes(file)),
  ];
  const isGreen = cases.every(({ outcome }) => outcome !== "failed");
  return {
    outcome: { ...first, cases, exitCode: isGreen && second.exitCode === 0 ? 0 : first.exitCode },
    notes: steady.flatMap((file) =>
      ofFile(first.cases ?? [], file)
        .filter(({ outcome }) => outcome === "failed")
        .map(({ name }) => `unsteady: ${file}: ${name}: failed beside others and passed alone; mend it`),
    ),
  };
}
