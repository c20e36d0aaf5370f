/**
 * What a person who reads a text does not see, and a model does (PI-03). `html_comment`, `link_definition`: Markdown shows nothing of
 * them. `mixed_script`: words that look like others (`pаypal` with a Cyrillic `а`). `encoded`: long runs of base64.
 */
export type HiddenKind =
  | "zero_width"
  | "bidi"
  | "tags"
  | "control"
  | "html_comment"
  | "link_definition"
  | "mixed_script"
  | "encoded";

export interface Hidden {
  kind: HiddenKind;
  count: number;
  /** False: it was left in the text, where a person sees it, if not for what it is. */
  removed: boolean;
  /** What it says, cut; empty for what says nothing. */
  excerpt: string;
}

/** How much of what was hidden is kept for people to see, characters. */
const EXCERPT_CHARS_MAX = 200;
/** Base64 that is not just a hash or a key, characters. */
const ENCODED_CHARS_MIN = 200;

/** Takes out of a Markdown text what its readers do not see. A text without such things comes back as it is. */
export function withoutHidden(text: string): { text: string; found: Hidden[] } {
  const found = new Finds();
  let shown = text.replace(/\r\n?/g, "\n");
  shown = withoutTags(shown, found);
  shown = shown.replace(CONTROL, (marks) => found.addMarks("control", marks));
  shown = shown.replace(BIDI, (marks) => found.addMarks("bidi", marks));
  shown = withoutZeroWidth(shown, found);
  shown = withoutComments(shown, found);
  for (const [word] of shown.matchAll(MIXED_WORD)) if (isMixed(word)) found.add("mixed_script", word, false);
  for (const [blob] of shown.matchAll(ENCODED)) found.add("encoded", blob, false);
  return { text: shown, found: found.list() };
}

/** Also what ends lines where people see no end. */
const CONTROL = /[[\p{Cc}\u2028\u2029]--[\n\t]]+/gv;
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
/** Letters that are drawn as nothing, joiners, variation selectors, annotations, the byte order mark. */
const UNSEEN = /[[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\u{e0000}-\u{e007f}]]/gv;
/** More in a row than any emoji has. */
const UNSEEN_RUN = new RegExp(`${UNSEEN.source}{3,}`, "gv");
const TAGS = /[\u{e0000}-\u{e007f}]+/gu;
/** The flags of England, Scotland and Wales are written with tags. */
const TAGGED_FLAG = /\u{1f3f4}$/u;
const FLAG_TAGS = new Set(["gbeng", "gbsct", "gbwls"]);
const MIXED_WORD = /[\p{L}\p{M}]{2,}/gu;
const ENCODED = new RegExp(`[A-Za-z0-9+/_-]{${ENCODED_CHARS_MIN},}={0,2}`, "g");

/** Tags say what they say in a second, unseen alphabet: it is kept for people to read. */
function withoutTags(text: string, found: Finds): string {
  return text.replace(TAGS, (tags, at: number) => {
    const said = [...tags]
      .map((tag) => (tag.codePointAt(0) ?? 0) - 0xe0000)
      .filter((code) => code >= 0x20 && code < 0x7f)
      .map((code) => String.fromCharCode(code))
      .join("");
    const isFlag = TAGGED_FLAG.test(text.slice(Math.max(0, at - 2), at)) && FLAG_TAGS.has(said);
    return isFlag ? tags : found.add("tags", said);
  });
}

/** Emoji and some scripts need joiners and selectors; between other characters they are only there to be overlooked. */
function withoutZeroWidth(text: string, found: Finds): string {
  const single = text.replace(UNSEEN_RUN, (marks) => found.addMarks("zero_width", marks));
  return single.replace(UNSEEN, (mark, at: number) => {
    const before = lastOf(single.slice(Math.max(0, at - 4), at));
    const after = firstOf(single.slice(at + mark.length, at + mark.length + 2));
    const inEmoji = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|[\ufe0f\d#*]/u.test(before);
    if (mark === "\ufe0f" || mark === "\ufe0e") {
      if (inEmoji && before !== "\ufe0f") return mark;
    } else if (mark === "\u200d" && inEmoji && /\p{Extended_Pictographic}/u.test(after)) return mark;
    else if ((mark === "\u200d" || mark === "\u200c") && isJoined(before) && isJoined(after)) return mark;
    return found.add("zero_width");
  });
}

const JOINING =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}]/u;
function isJoined(letter: string): boolean {
  return JOINING.test(letter);
}

function lastOf(text: string): string {
  return [...text].at(-1) ?? "";
}
function firstOf(text: string): string {
  return [...text][0] ?? "";
}

/** One that begins its line: in a list or a quotation a fence ends where that ends, which takes more to know. */
const FENCE = /^(`{3,}(?=[^`]*$)|~{3,})/;
/** What makes the lines after it hard to read: HTML, in which nothing is a fence, and a fence in a list, a quotation or a line. */
const UNSURE = /^ {0,3}<[/!?a-z]|`{3,}|~{3,}/i;
/** `[//]: # (text)` and its like: a definition of a link, of which readers see nothing. Its title may be on further lines. */
const DEFINITION =
  /^ {0,3}\[[^\]]+\]:\s*(?:<[^>\n]*>|[^\s<]\S*)\s+(?:"[^"]*"|'[^']*'|\([^()]*\)|\(.*\))[ \t]*(?=\n|$)/;
const DEFINITION_START = /^ {0,3}\[[^\]]+\]:/;
/** Lines of a definition that are read. */
const DEFINITION_LINES_MAX = 50;

/**
 * Takes comments out line by line. In a fence and between backticks of one line they stand as code, which readers see: those stay. As
 * soon as it is not sure what is a fence, none is believed any more.
 */
function withoutComments(text: string, found: Finds): string {
  if (!text.includes("<!--") && !text.includes("]:")) return text;
  const lines: string[] = [];
  let isSure = true;
  let fence: string | undefined;
  let comment: string | undefined;
  const all = text.split("\n");
  for (let at = 0; at < all.length; at++) {
    const line = all[at] ?? "";
    if (fence !== undefined) {
      lines.push(line);
      if (closes(line, fence)) fence = undefined;
      continue;
    }
    const opened = comment === undefined && isSure ? FENCE.exec(line)?.[1] : undefined;
    if (opened !== undefined) {
      fence = opened;
      lines.push(line);
      continue;
    }
    const definition = comment === undefined ? definitionAt(all, at) : undefined;
    if (definition !== undefined) {
      lines.push(found.add("link_definition", definition.trim()));
      at += definition.split("\n").length - 1;
    } else {
      const left = lineWithoutComments(line, comment, found);
      comment = left.comment;
      lines.push(left.text);
      if (UNSURE.test(left.text)) isSure = false;
    }
  }
  // One that is not closed hides all that follows.
  if (comment !== undefined) found.add("html_comment", saidBy(comment));
  return lines.join("\n");
}

function definitionAt(lines: readonly string[], at: number): string | undefined {
  if (!DEFINITION_START.test(lines[at] ?? "")) return undefined;
  const following = lines.slice(at, at + DEFINITION_LINES_MAX);
  const blank = following.findIndex((line) => line.trim() === "");
  return DEFINITION.exec(following.slice(0, blank < 0 ? undefined : blank).join("\n"))?.[0];
}

function closes(line: string, fence: string): boolean {
  const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return mark !== undefined && mark[0] === fence[0] && mark.length >= fence.length;
}

/** @param open what the comment that began on a line before says so far */
function lineWithoutComments(
  line: string,
  open: string | undefined,
  found: Finds,
): { text: string; comment: string | undefined } {
  let text = "";
  let rest = line;
  let comment = open === undefined ? undefined : `${open}\n`;
  for (;;) {
    if (comment !== undefined) {
      const end = rest.indexOf("-->");
      if (end < 0) return { text, comment: (comment + rest).slice(0, EXCERPT_CHARS_MAX * 2) };
      found.add("html_comment", saidBy(comment + rest.slice(0, end)));
      rest = rest.slice(end + 3);
      comment = undefined;
    }
    const start = startOfComment(rest);
    if (start < 0) return { text: text + rest, comment: undefined };
    text += rest.slice(0, start);
    rest = rest.slice(start + 2); // `<!-->` is a whole comment
    comment = "";
  }
}

function saidBy(comment: string): string {
  return comment.replace(/^-+|-+$/g, "");
}

/** Where the first comment of a line begins that does not stand between backticks; -1 when there is none. */
function startOfComment(line: string): number {
  let at = 0;
  while (at < line.length) {
    const comment = line.indexOf("<!--", at);
    const tick = line.indexOf("`", at);
    if (comment < 0 || tick < 0 || comment < tick) return comment;
    const run = /^`+/.exec(line.slice(tick))?.[0] ?? "`";
    const escaped = /\\+$/.exec(line.slice(0, tick))?.[0].length ?? 0;
    const end = escaped % 2 === 1 ? -1 : endOfCode(line, tick + run.length, run);
    at = end < 0 ? tick + run.length : end;
  }
  return -1;
}

/** Behind the next run of backticks that is exactly as long; -1 when there is none. */
function endOfCode(line: string, from: number, run: string): number {
  for (const match of line.slice(from).matchAll(/`+/g))
    if (match[0].length === run.length) return from + match.index + run.length;
  return -1;
}

/** Letters of Cyrillic and Greek that are drawn like Latin ones. */
const LOOKALIKES = new Set("АВЕКМНОРСТУХІЈЅԌԛԝаеорсухіјѕһӏԁԛԝѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανυρϲϳ");

/** Latin letters beside doubles of Latin letters, and nothing else of another alphabet: `μs` and `Δt` are what they look like. */
function isMixed(word: string): boolean {
  if (!/\p{Script=Latin}/u.test(word)) return false;
  const others = [...word].filter((letter) => !/[\p{Script=Latin}\p{M}]/u.test(letter));
  return (
    others.length > 0 &&
    others.every((letter) => LOOKALIKES.has(letter) || /\p{Script=Cherokee}/u.test(letter))
  );
}

/** What was found, each kind once for what was taken out and once for what was left. */
class Finds {
  private readonly all = new Map<string, Hidden>();

  /** @returns what stands in its place: nothing */
  add(kind: HiddenKind, says = "", removed = true): "" {
    const key = `${kind} ${removed}`;
    const known = this.all.get(key) ?? { kind, count: 0, removed, excerpt: "" };
    known.count++;
    const more = says.replace(/\s+/g, " ").trim();
    if (more !== "" && known.excerpt.length < EXCERPT_CHARS_MAX)
      known.excerpt = [known.excerpt, more].filter(Boolean).join(" … ").slice(0, EXCERPT_CHARS_MAX);
    this.all.set(key, known);
    return "";
  }

  /** @returns what stands in their place: nothing */
  addMarks(kind: HiddenKind, marks: string): "" {
    const known = this.all.get(`${kind} true`) ?? { kind, count: 0, removed: true, excerpt: "" };
    known.count += [...marks].length;
    this.all.set(`${kind} true`, known);
    return "";
  }

  list(): Hidden[] {
    return [...this.all.values()];
  }
}
