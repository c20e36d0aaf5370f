import type { TurnTrace } from "./guard.ts";

/** Tells whether the working tree or its commit has changed, by marks that were taken of it. */
export class TreeWatch {
  private readonly marks = new Set<string>();
  /** Whether a mark was taken since `forget`: only then does a new one mean a change since. */
  private marked = false;

  /** The first look only takes the mark. A tree that was seen before, as edits going in circles make it, is not new. */
  async isNew({ treeMark }: Pick<TurnTrace, "treeMark">): Promise<boolean> {
    const mark = await treeMark();
    if (mark === undefined) return false;
    const isNew = this.marked && !this.marks.has(mark);
    this.marks.add(mark);
    this.marked = true;
    return isNew;
  }

  /** What changes until the next look is known of. */
  forget(): void {
    this.marked = false;
  }
}
