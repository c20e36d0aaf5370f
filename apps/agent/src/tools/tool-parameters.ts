import { isObject, type Json, type JsonObject, parseJson } from "../json.ts";

/** Problems named in one answer; the rest is counted. A call may hold thousands of bad values. */
const PROBLEMS_MAX = 5;
/** A bad value is quoted up to this, characters. */
const QUOTED_CHARS_MAX = 60;

type Rules =
  | { type: "string"; enum?: readonly string[] }
  | { type: "integer"; minimum?: number; maximum?: number }
  | { type: "boolean" }
  | { type: "array"; items: Parameter }
  | { type: "object"; properties: ParameterTable };
export type Parameter = Rules & {
  description?: string;
  optional?: true;
  /** Other names models send it under; taken, but not told to the model. */
  aliases?: readonly string[];
};
export type ParameterTable = { readonly [name: string]: Parameter };

type Value<P> = P extends { enum: readonly (infer E)[] }
  ? E
  : P extends { type: "array"; items: infer I }
    ? Value<I>[]
    : P extends { type: "object"; properties: infer T extends ParameterTable }
      ? ArgsOf<T>
      : P extends { type: "string" | "integer" | "boolean" }
        ? { string: string; integer: number; boolean: boolean }[P["type"]]
        : never;
/** What a table's arguments are once checked. */
export type ArgsOf<P extends ParameterTable> = {
  [K in keyof P]: Value<P[K]> | (P[K] extends { optional: true } ? undefined : never);
};

/** The table as JSON Schema. */
export function schemaOf(table: ParameterTable): object {
  const properties = Object.entries(table).map(([name, parameter]) => [name, parameterSchema(parameter)]);
  const required = Object.keys(table).filter((name) => !table[name]?.optional);
  return { type: "object", properties: Object.fromEntries(properties), required };
}

function parameterSchema(parameter: Parameter): object {
  const { optional: _, aliases: __, ...schema } = parameter;
  if (schema.type === "array") return { ...schema, items: parameterSchema(schema.items) };
  return schema.type === "object" ? { ...schema, ...schemaOf(schema.properties) } : schema;
}

/**
 * Holds arguments to their table. Slips that leave no doubt are put right: "5" for 5, "true", a list sent as its JSON
 * text or as its only item, an enum in other letters, null for nothing.
 * @returns the arguments of the table alone, or a text that names each bad value by its path
 */
export function checkedArgs(table: ParameterTable, args: JsonObject): JsonObject | string {
  const problems: string[] = [];
  const checked = takeObject(table, args, "", problems);
  if (problems.length === 0) return checked;
  const more = problems.length > PROBLEMS_MAX ? [`and ${problems.length - PROBLEMS_MAX} more`] : [];
  return [...problems.slice(0, PROBLEMS_MAX), ...more].join("; ");
}

function takeObject(table: ParameterTable, given: JsonObject, prefix: string, problems: string[]) {
  const taken: JsonObject = {};
  let missing = false;
  for (const [name, parameter] of Object.entries(table)) {
    const sent = [name, ...(parameter.aliases ?? [])].find((key) => Object.hasOwn(given, key));
    const value = sent === undefined ? undefined : given[sent];
    if (value === undefined && !parameter.optional) {
      missing = true;
      problems.push(`\`${prefix}${name}\` (${parameter.type}) is missing`);
    } else if (value !== undefined && !(value === null && parameter.optional)) {
      taken[name] = takeValue(parameter, value, `${prefix}${name}`, problems);
    }
  }
  if (missing) problems.push(...unknownNames(table, given, prefix));
  return taken;
}

/** What was sent in its place, perhaps. Unknown names alone do no harm. */
function unknownNames(table: ParameterTable, given: JsonObject, prefix: string): string[] {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(table, name));
  return unknown.length === 0 ? [] : [`\`${(prefix + unknown[0]).slice(0, QUOTED_CHARS_MAX)}\` is unknown`];
}

function takeValue(parameter: Parameter, given: Json, path: string, problems: string[]): Json {
  const value = putRight(parameter, given);
  if (parameter.type === "array" && Array.isArray(value))
    return value.map((item, at) => takeValue(parameter.items, item, `${path}[${at}]`, problems));
  if (parameter.type === "object" && isObject(value))
    return takeObject(parameter.properties, value, `${path}.`, problems);
  if (!fits(parameter, value))
    problems.push(`\`${path}\` must be ${wanted(parameter)}, not ${quoted(given)}`);
  return value;
}

function putRight(parameter: Parameter, given: Json): Json {
  switch (parameter.type) {
    case "string":
      return parameter.enum === undefined || typeof given !== "string"
        ? given
        : (enumMember(parameter.enum, given) ?? given);
    case "integer":
      return typeof given === "string" && /^\s*[+-]?\d{1,15}\s*$/.test(given) ? Number(given) : given;
    case "boolean":
      return typeof given === "string" && /^\s*(true|false)\s*$/i.test(given) ? /t/i.test(given) : given;
    case "array": {
      const list = typeof given === "string" ? (parseJson(given) ?? given) : given;
      if (Array.isArray(list)) return list;
      if (parameter.items.type === "object") return isObject(list) ? [list] : given;
      return parameter.items.type === "string" && typeof given === "string" ? [given] : given;
    }
    case "object":
      return typeof given === "string" ? (parseJson(given) ?? given) : given;
  }
}

function enumMember(members: readonly string[], given: string): string | undefined {
  return members.find(
    (member) =>
      member ===
      given
        .trim()
        .toLowerCase()
        .replace(/[\s-]+/g, "_"),
  );
}

function fits(parameter: Parameter, value: Json): boolean {
  switch (parameter.type) {
    case "string":
      return typeof value === "string" && (parameter.enum === undefined || parameter.enum.includes(value));
    case "integer": {
      const { minimum = -Infinity, maximum = Infinity } = parameter;
      return Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
    }
    case "boolean":
      return typeof value === "boolean";
    default:
      return false; // lists and objects that are some never come here
  }
}

function wanted(parameter: Parameter): string {
  if (parameter.type === "string" && parameter.enum !== undefined)
    return `one of ${parameter.enum.join(", ")}`;
  if (parameter.type === "array") return `of type array of ${parameter.items.type}s`;
  if (parameter.type !== "integer") return `of type ${parameter.type}`;
  const { minimum, maximum } = parameter;
  const from = minimum === undefined ? "" : ` from ${minimum}`;
  const to = maximum === undefined ? "" : ` up to ${maximum}`;
  return `of type integer${from}${to}`;
}

function quoted(value: Json): string {
  if (Array.isArray(value)) return "an array";
  if (isObject(value)) return "an object";
  if (typeof value !== "string" || value.length <= QUOTED_CHARS_MAX) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, QUOTED_CHARS_MAX))}…`;
}
