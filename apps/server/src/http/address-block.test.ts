import { expect, test } from "bun:test";
import { addressBlock } from "./address-block.ts";

test("an IPv6 address stands for its network of 64 bits, however it is written", () => {
  const same = [
    "2001:db8:0:7::1",
    "2001:DB8::7:ffff:1:2:3",
    "2001:0db8:0000:0007:0:0:0:9",
    "2001:db8:0:7::%eth0",
  ];
  for (const address of same)
    expect([address, addressBlock(address)]).toEqual([address, "2001:db8:0:7::/64"]);
  expect(addressBlock("2001:db8:0:8::1")).toBe("2001:db8:0:8::/64");
  expect(addressBlock("::1")).toBe("0:0:0:0::/64");
  expect(addressBlock("fe80::1:2:3:4")).toBe("fe80:0:0:0::/64");
});

test("an IPv4 address and what is none stand for themselves", () => {
  for (const caller of ["192.0.2.7", "", "a user:id", "x".repeat(32)])
    expect(addressBlock(caller)).toBe(caller);
  expect(addressBlock("::ffff:192.0.2.7")).toBe("192.0.2.7");
});
