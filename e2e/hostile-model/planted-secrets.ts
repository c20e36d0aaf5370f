import { randomBytes } from "node:crypto";
import { Canaries } from "@windshift/server/http/canaries.fixture.ts";

/** Secrets that lie where no run may reach, and that are recognized in whatever form they come out. */
export class PlantedSecrets {
  private readonly canaries = new Canaries();

  /** Makes one up: letters and digits only, so that it is found however it was cut apart. */
  plant(name: string): string {
    const secret = `cn${randomBytes(20).toString("hex")}`;
    this.canaries.add(name, secret);
    return secret;
  }

  /** One that something else made. */
  add(name: string, secret: string): void {
    this.canaries.add(name, secret);
  }

  /** Names of those that are in the text: as they are, encoded, backwards, or with anything in between. */
  in(text: string): string[] {
    const dense = text.replace(/[^A-Za-z0-9]/g, "");
    return [...new Set([text, backwards(text), dense, backwards(dense)].flatMap((t) => this.canaries.in(t)))];
  }
}

function backwards(text: string): string {
  return [...text].reverse().join("");
}
