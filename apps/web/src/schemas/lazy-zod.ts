import {
  array,
  boolean,
  coerce,
  discriminatedUnion,
  email,
  int,
  iso,
  json,
  literal,
  NEVER,
  number,
  object,
  record,
  strictObject,
  string,
  union,
  unknown,
  url,
  enum as wordOf,
} from "zod";
import { lazyMaker } from "./lazy-schema.ts";

/**
 * What the app has in place of `z`: the same makers, whose schemas are put together when they are first asked for. A page needs a
 * dozen of the contract's hundreds, and putting all together took a fifth of its start. The bundle takes this file wherever code of
 * ours says `import { z } from "zod"` (`bundle/build-bundle.ts`); elsewhere, and for the type checker, that is the library.
 */
export const z = {
  array: lazyMaker(array),
  boolean: lazyMaker(boolean),
  coerce: { number: lazyMaker(coerce.number) },
  discriminatedUnion: lazyMaker(discriminatedUnion),
  email: lazyMaker(email),
  // Words are listed by pages that check none.
  enum: lazyMaker(wordOf, (words) => (Array.isArray(words) ? { options: [...words] } : {})),
  int: lazyMaker(int),
  iso: { date: lazyMaker(iso.date), datetime: lazyMaker(iso.datetime) },
  json: lazyMaker(json),
  literal: lazyMaker(literal),
  NEVER,
  number: lazyMaker(number),
  object: lazyMaker(object),
  record: lazyMaker(record),
  strictObject: lazyMaker(strictObject),
  string: lazyMaker(string),
  union: lazyMaker(union),
  unknown: lazyMaker(unknown),
  url: lazyMaker(url),
};
