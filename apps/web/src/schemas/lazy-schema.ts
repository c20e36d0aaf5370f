/** Gives another schema and asks nothing of this one: such a call can wait as the schema itself does. */
const DERIVES: ReadonlySet<string | symbol> = new Set([
  ...["array", "brand", "default", "describe", "extend", "max", "meta", "min", "nullable", "optional"],
  ...["partial", "pipe", "positive", "prefault", "refine", "regex", "startsWith", "strict"],
  ...["toLowerCase", "transform", "trim"],
]);

/** The schemas that lazy ones stand for. */
const made = new WeakMap<object, () => object>();

/**
 * A maker of schemas that gives, at once, what stands for a schema, and makes the schema when that is used. What it was given is kept
 * until then, so it must not be changed.
 * @param known what is asked of such a schema and can be told without it
 */
export function lazyMaker<A extends unknown[], S extends object>(
  make: (...args: A) => S,
  known?: (...args: A) => object,
): (...args: A) => S {
  return (...args) =>
    lazySchema(() => Reflect.apply(make, undefined, args.map(withoutLazy)), known?.(...args));
}

function lazySchema<S extends object>(make: () => S, known?: object): S {
  let schema: S | undefined;
  const real = () => {
    schema ??= make();
    return schema;
  };
  // Not a schema itself: every question goes to the real one, but those that only derive another.
  const lazy = new Proxy({} as S, {
    get: (_none, name) => {
      if (schema === undefined && DERIVES.has(name))
        return (...args: unknown[]) => lazySchema(() => derived(real(), name, args.map(withoutLazy)));
      if (schema === undefined && known !== undefined && name in known) return Reflect.get(known, name);
      if (schema === undefined && name === "shape")
        return lazyShape(() => Reflect.get(real(), name) as object);
      return Reflect.get(real(), name);
    },
    has: (_none, name) => Reflect.has(real(), name),
    set: (_none, name, value) => Reflect.set(real(), name, value),
    defineProperty: (_none, name, descriptor) => Reflect.defineProperty(real(), name, descriptor),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
  });
  made.set(lazy, real);
  return lazy;
}

/** The parts of an object's schema: taking one to make another schema of it makes none yet, listing them does. */
function lazyShape(shape: () => object): object {
  return new Proxy(
    {},
    {
      get: (_none, name) => lazySchema(() => Reflect.get(shape(), name)),
      has: (_none, name) => Reflect.has(shape(), name),
      ownKeys: () => Reflect.ownKeys(shape()),
      getOwnPropertyDescriptor: (_none, name) => Reflect.getOwnPropertyDescriptor(shape(), name),
    },
  );
}

function derived(schema: object, name: string | symbol, args: readonly unknown[]): object {
  return Reflect.apply(Reflect.get(schema, name), schema, args);
}

/** The same with real schemas for lazy ones, as the library looks into them often. Lists and shapes are looked through, no deeper. */
function withoutLazy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const real = made.get(value);
  if (real !== undefined) return real();
  if (Array.isArray(value)) return value.map(withoutLazy);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutLazy(part)]));
}
