import { type Command, EXIT, OUTPUT_OPTION, usageError } from "../command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Completion scripts, made from the table of commands itself. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    words: ["completion"],
    operands: SHELLS.join("|"),
    doc: "print a completion script: source <(ws completion bash)",
    local: true,
    run: async (call) => {
      const shell = call.operands[0];
      if (shell === "bash") await call.out.text(bashScript(commands()));
      else if (shell === "zsh")
        await call.out.text(`autoload -U +X bashcompinit && bashcompinit\n${bashScript(commands())}`);
      else if (shell === "fish") await call.out.text(fishScript(commands()));
      else throw usageError(`name a shell: ${SHELLS.join(", ")}`);
      return EXIT.ok;
    },
  };
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    // Behind a command of one word stands what is being typed.
    const pattern = command.words.length === 1 ? `"${command.words[0]} "*` : `"${command.words.join(" ")}"`;
    return `    ${pattern}) words=${JSON.stringify(optionWords(command).join(" "))} ;;`;
  });
  const verbs = [...nouns(commands)].map(
    ([noun, all]) => `    ${noun}) words=${JSON.stringify(all.join(" "))} ;;`,
  );
  return `_ws() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_CWORD}" in
  1) words=${JSON.stringify([...nouns(commands).keys()].join(" "))} ;;
  2) case "\${COMP_WORDS[1]}" in
${verbs.join("\n")}
    esac ;;
  esac
  if [ -z "$words" ]; then
    case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${cases.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _ws ws`;
}

function fishScript(commands: readonly Command[]): string {
  const first = [...nouns(commands).keys()].map(
    (noun) => `complete -c ws -n __fish_use_subcommand -f -a ${noun}`,
  );
  const second = [...nouns(commands)].flatMap(([noun, verbs]) =>
    verbs.map((verb) => `complete -c ws -n "__fish_seen_subcommand_from ${noun}" -f -a ${verb}`),
  );
  const options = commands.flatMap((command) =>
    (command.options ?? []).map(
      ({ name, short, doc }) =>
        `complete -c ws -n "__fish_seen_subcommand_from ${command.words.at(-1)}" -l ${name}${short === undefined ? "" : ` -s ${short}`} -d ${quoted(doc)}`,
    ),
  );
  return [...first, ...second, ...new Set(options)].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** First words with the second words they have. */
function nouns(commands: readonly Command[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { words } of commands) {
    const [noun = "", verb] = words;
    found.set(noun, [...(found.get(noun) ?? []), ...(verb === undefined ? [] : [verb])]);
  }
  return found;
}

function optionWords(command: Command): string[] {
  return [...(command.options ?? []), OUTPUT_OPTION].flatMap(({ name, short }) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
}
