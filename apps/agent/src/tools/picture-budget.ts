/** Pictures handed to the model in one turn, bytes: as base64 they stay below what a request may have, with room for the rest of it. */
export const TURN_PICTURE_BYTES_MAX = 8 * 1_048_576;

/** What pictures may still take of a turn. Past it they are refused when read: the model would never see those it was just handed. */
export class PictureBudget {
  private left = TURN_PICTURE_BYTES_MAX;

  beginTurn(): void {
    this.left = TURN_PICTURE_BYTES_MAX;
  }

  /** @returns false when a picture of so many bytes has no room any more */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }
}
