import type { CDPSession, Locator, Page } from "playwright-core";

/** A phone, as browsers describe one. */
export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;

/** One finger on the glass: the browser gets it as from a real one, and makes taps and scrolling of it. */
export class Finger {
  private constructor(private readonly devtools: CDPSession) {}

  static async of(page: Page): Promise<Finger> {
    return new Finger(await page.context().newCDPSession(page));
  }

  down(x: number, y: number): Promise<unknown> {
    return this.send("touchStart", [{ x, y }]);
  }

  move(x: number, y: number): Promise<unknown> {
    return this.send("touchMove", [{ x, y }]);
  }

  up(): Promise<unknown> {
    return this.send("touchEnd", []);
  }

  /** As when a call comes in. */
  taken(): Promise<unknown> {
    return this.send("touchCancel", []);
  }

  private send(
    type: "touchStart" | "touchMove" | "touchEnd" | "touchCancel",
    touchPoints: { x: number; y: number }[],
  ) {
    return this.devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
  }
}

/** The middle of what is shown, px of the window. */
export async function middleOf(shown: Locator): Promise<{ x: number; y: number }> {
  const box = await shown.boundingBox();
  if (box === null) throw new Error("it is not in the page");
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
