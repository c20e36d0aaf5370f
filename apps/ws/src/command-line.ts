import { type Command, EXIT, type Option, OUTPUT_OPTION, usageError, WsError } from "./command.ts";

export interface Parsed {
  command: Command;
  operands: string[];
  values: ReadonlyMap<string, string[]>;
  /** `--help` or `-h` stands where an option does; what stands behind it, and too many words, do not count then. */
  help: boolean;
}

/**
 * Finds the command of an argument list and reads its options.
 * @throws WsError with what is wrong and exit code 2
 */
export function parseCommandLine(argv: readonly string[], commands: readonly Command[]): Parsed {
  const { command, rest } = findCommand(argv, commands);
  const known = [...(command.options ?? []), OUTPUT_OPTION];
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  let help = false;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? "";
    if (word === "--") {
      operands.push(...rest.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    if (word === "--help" || word === "-h") {
      help = true;
      break;
    }
    const { option, value: joined } = readOption(word, known);
    const value = option.value === undefined ? "" : (joined ?? rest[++at]);
    if (value === undefined) throw usageError(`${word} needs a value`);
    values.set(option.name, [...(values.get(option.name) ?? []), checked(option, value)]);
  }
  const most = command.operandsMax ?? 1;
  if (!help && operands.length > most) throw usageError(`too many words: ${operands.slice(most).join(" ")}`);
  return { command, operands, values, help };
}

/** The longest command that the words before the first option begin with. Options may stand before its name. */
function findCommand(
  argv: readonly string[],
  commands: readonly Command[],
): { command: Command; rest: string[] } {
  const first = argv.findIndex((word) => !word.startsWith("-"));
  // `-o json item show`: what stands before the name belongs to the command.
  const skipped = first > 0 && /^(?:-o|--output)$/.test(argv[0] ?? "") ? 2 : Math.max(first, 0);
  const words = argv.slice(skipped);
  const found = commands
    .filter((command) => command.words.every((word, at) => words[at] === word))
    .sort((a, b) => b.words.length - a.words.length)[0];
  if (found === undefined) {
    const named = words.slice(0, 2).filter((word) => !word.startsWith("-"));
    const verbs = commands.filter(({ words: [noun] }) => noun === words[0]).map((one) => one.words[1]);
    if (verbs.length > 0)
      throw new WsError(
        `${words[0]} takes one of ${verbs.join(", ")}${named[1] === undefined ? "" : `, not ${named[1]}`}`,
        EXIT.usage,
      );
    throw new WsError(`unknown command ${named.join(" ")}; see ws help`, EXIT.usage);
  }
  return { command: found, rest: [...argv.slice(0, skipped), ...words.slice(found.words.length)] };
}

function readOption(word: string, known: readonly Option[]): { option: Option; value: string | undefined } {
  const [name = "", ...joined] = word.startsWith("--") ? word.slice(2).split("=") : [word.slice(1, 2)];
  const glued = !word.startsWith("--") && word.length > 2 ? word.slice(2) : undefined;
  const option = known.find((one) => (word.startsWith("--") ? one.name === name : one.short === name));
  if (option === undefined) throw usageError(`unknown option ${word}`);
  const value = joined.length > 0 ? joined.join("=") : glued;
  if (value !== undefined && option.value === undefined) throw usageError(`${word} takes no value`);
  return { option, value };
}

function checked(option: Option, value: string): string {
  const { choices } = option;
  if (choices !== undefined && !choices.includes(value)) {
    const shown = `${option.short === undefined ? "--" : "-"}${option.short ?? option.name}`;
    throw usageError(`${shown} knows only ${choices.join(", ")}, not ${value}`);
  }
  return value;
}
