import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { UartCapture } from "./uart-capture.js";

const scratch = mkdtempSync(join(tmpdir(), "uart-capture-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("uart capture", () => {
  it("is empty before the first byte", () => {
    const uart = new UartCapture("uart0", join(scratch, "none"));
    expect(uart.text()).toBe("");
    expect(uart.lines()).toEqual([]);
    expect(uart.takeLine("")).toBeUndefined();
  });

  it("follows a growing file, takes complete lines only, in order", () => {
    const file = join(scratch, "growing");
    const uart = new UartCapture("uart0", file);
    appendFileSync(file, "a 1\r\na ");
    expect(uart.takeLine("a")).toMatchObject({ line: "a 1" });
    expect(uart.takeLine("a")).toBeUndefined();
    appendFileSync(file, "2\nb 3\n");
    expect(uart.takeLine(/^b (\d)$/g)?.match[1]).toBe("3");
    expect(uart.takeLine("a")).toBeUndefined();
    expect(uart.lines()).toEqual(["a 1", "a 2", "b 3"]);
  });

  it("keeps bytes of a large output and characters split over two reads", () => {
    const file = join(scratch, "large");
    const uart = new UartCapture("uart0", file);
    const euro = Buffer.from("€\n");
    appendFileSync(file, euro.subarray(0, 2));
    uart.bytes();
    appendFileSync(file, euro.subarray(2));
    expect(uart.takeLine("€")).toBeDefined();
    const chunk = Buffer.alloc(100_000, 7);
    for (let round = 0; round < 5; round++) {
      appendFileSync(file, chunk);
      expect(uart.bytes().length).toBe(euro.length + (round + 1) * chunk.length);
    }
    expect(
      uart
        .bytes()
        .subarray(euro.length)
        .every((byte) => byte === 7),
    ).toBe(true);
  });
});
