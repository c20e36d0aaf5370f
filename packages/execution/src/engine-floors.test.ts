import { expect, test } from "bun:test";
import { describeEngine, engineFloorWarning, isPodman } from "./engine-floors.ts";

function engineOf(engine: string, runc: string) {
  const Components = [
    { Name: "Engine", Version: engine },
    { Name: "runc", Version: runc },
  ];
  return { Client: { Version: "28.0.0" }, Server: { Version: engine, Components } };
}

for (const [engine, runc] of [
  ["23.0.11", "1.2.8"],
  ["25.0.6", "1.3.3"],
  ["28.2.2", "1.4.0"],
  ["26.0.0", "2.0.0"],
] as const)
  test(`SB-25 engine ${engine} with runc ${runc} is new enough`, () => {
    expect(engineFloorWarning(engineOf(engine, runc))).toBeUndefined();
  });

for (const [engine, runc, named] of [
  ["20.10.24+dfsg1", "1.2.8", "Engine 20.10.24+dfsg1"],
  ["24.0.9", "1.4.2", "Engine 24.0.9"],
  ["25.0.4", "1.2.8", "Engine 25.0.4"],
  ["28.2.2", "1.1.12", "runc 1.1.12"],
  ["28.2.2", "1.3.2", "runc 1.3.2"],
] as const)
  test(`SB-25 engine ${engine} with runc ${runc} gets a warning that names the floor`, () => {
    const warning = engineFloorWarning(engineOf(engine, runc));
    expect(warning).toContain(`${named} is below`);
    expect(warning).toContain("Update unless");
  });

test("an engine without a service is described by its client, without a floor", () => {
  const podman = { Client: { Version: "4.3.1" }, Server: null };
  expect([describeEngine(podman), engineFloorWarning(podman)]).toEqual(["version 4.3.1", undefined]);
});

/** As Docker's program prints it in front of Podman's service. */
const PODMAN_SERVICE = {
  Client: { Version: "28.2.2" },
  Server: {
    Version: "4.3.1",
    Components: [
      { Name: "Podman Engine", Version: "4.3.1" },
      { Name: "OCI Runtime (runc)", Version: "runc version 1.1.5+ds1\ncommit: 1.1.5" },
      { Name: "Engine", Version: "4.3.1" },
    ],
  },
};

test("Podman behind Docker's program is not measured by the floors of Docker, its runc is by that of runc", () => {
  const warning = engineFloorWarning(PODMAN_SERVICE);
  expect(warning).toContain("runc 1.1.5 is below");
  expect(warning).not.toContain("Engine");
});

test("Podman is told from Docker by its own program and behind Docker's", () => {
  expect(isPodman({ Client: { Version: "4.3.1" } })).toBe(true);
  expect(isPodman({ Client: { Version: "5.0.0" }, Server: { Version: "5.0.0" } })).toBe(true);
  expect(isPodman(PODMAN_SERVICE)).toBe(true);
  expect(isPodman(engineOf("28.2.2", "1.3.3"))).toBe(false);
});
