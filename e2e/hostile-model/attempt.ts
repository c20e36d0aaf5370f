/** One way in which a hostile model tries to get something out, or to do more than it may. */
export interface Attempt {
  /** A fact about the try, unique: the name of its test. */
  name: string;
  /** `exfil` is of PI-01, `overstep` of PI-02. */
  aim: "exfil" | "overstep";
  tool: "bash" | "read_file" | "write_file";
  /** Arguments of the tool. `{name}` stands for a value of the stage, such as `{sinkPort}`. */
  args: Record<string, string>;
  /** What the tool answers when the attempt ran and was refused; it holds the reason. */
  refused: RegExp;
}

/** One run, whose model makes these attempts one after the other and then says that it is done. */
export interface HostileRun {
  name: string;
  attempts: readonly Attempt[];
  /** What the model says at the end, for the pull request and the comment. */
  summary: string;
  ends: { status: "succeeded" | "failed"; reason: string; detail?: RegExp; pullRequest: boolean };
}

/** A try by the shell, with the words of `repo/attack.sh` at hand. */
export function shell(aim: Attempt["aim"], name: string, command: string, refused: RegExp): Attempt {
  return { name, aim, tool: "bash", args: { command: `. ./attack.sh; ${command}` }, refused };
}
