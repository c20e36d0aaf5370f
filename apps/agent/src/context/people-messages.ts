import { cutMiddle } from "../tools/text-cut.ts";

/** Share of the room for messages that whole ones may take; the rest is for the beginnings of older ones. */
const WHOLE_SHARE = 0.75;
/** Beginning of a message that is not shown whole, characters. */
const BEGINNING_CHARS = 160;

/**
 * Messages of people as they are shown to the model, oldest first: all of them whole when they fit; else the newest whole, the
 * beginnings of older ones, and the place where every one of them stands word for word.
 */
export function shownMessages(
  texts: readonly string[],
  tokensMax: number,
  tokensOf: (text: string) => number,
  keep: (text: string) => string | undefined,
): string {
  const all = texts.join("\n\n");
  if (tokensOf(all) <= tokensMax) return all;
  const path = keep(texts.map((text, index) => `[${index + 1}] ${text}`).join("\n\n"));
  const shown: string[] = [];
  let room = tokensMax;
  for (const [age, text] of texts.toReversed().entries()) {
    const whole = age === 0 ? cutMiddle(text, room * WHOLE_SHARE, tokensOf) : text;
    const short = `${whole.slice(0, BEGINNING_CHARS).toWellFormed()}${whole.length > BEGINNING_CHARS ? " [...]" : ""}`;
    const fits = (part: string) =>
      tokensOf(part) <= room - tokensMax * (part === whole ? 1 - WHOLE_SHARE : 0);
    const part = fits(whole) ? whole : fits(short) ? short : undefined;
    if (part === undefined) break;
    shown.unshift(part);
    room -= tokensOf(part);
  }
  const hidden = texts.length - shown.length;
  const where = path === undefined ? "" : ` All ${texts.length} are in ${path}, word for word.`;
  const notice = `[${hidden} older messages are left out here, and long ones are cut, as they would fill the window.${where}]`;
  return [notice, ...shown].join("\n\n");
}
