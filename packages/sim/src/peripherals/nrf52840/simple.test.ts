import { beforeEach, describe, expect, it } from "vitest";
import type { BuiltinBoard } from "../../board/builtin.js";
import { boardWith } from "../../testing/assemble.js";

const GPIO = 0x50000000;
const NVMC = 0x4001e000;
const UARTE = 0x40002000;

let board: BuiltinBoard;
beforeEach(() => {
  board = boardWith([0xbf00, 0xe7fd]);
});
const store = (address: number, value: number) => board.core.memory.store(address, 4, value);
const load = (address: number) => board.core.memory.load(address, 4) >>> 0;

describe("GPIO", () => {
  it("sets, clears and reads back both ports, inputs where the direction says so", () => {
    store(GPIO + 0x514, 0xff);
    store(GPIO + 0x508, 0x0f);
    store(GPIO + 0x50c, 0x03);
    board.gpio.setInput(0, 0x101);
    expect([load(GPIO + 0x504), load(GPIO + 0x510)]).toEqual([0x0c, 0x10c]);
    store(GPIO + 0x804, 5);
    expect([load(GPIO + 0x804), load(GPIO + 0x504)]).toEqual([5, 0x0c]);
  });
});

describe("NVMC", () => {
  it("writes words and erases pages only while that is enabled", () => {
    const page = 0x40000;
    expect(() => store(page, 1)).toThrow();
    store(NVMC + 0x504, 1);
    store(page, 0xffff0000 | 0);
    store(page, 0x00ffffff);
    expect(load(page)).toBe(0x00ff0000);
    store(NVMC + 0x508, page);
    const written = load(page);
    store(NVMC + 0x504, 2);
    store(NVMC + 0x508, page);
    expect([written === 0xffffffff, load(page)]).toEqual([false, 0xffffffff]);
  });
});

describe("UARTE", () => {
  it("sends from RAM while enabled, tells how much, and refuses flash", () => {
    board.core.memory.poke(0x20000100, Uint8Array.of(104, 105, 10));
    store(UARTE + 0x544, 0x20000100);
    store(UARTE + 0x548, 3);
    store(UARTE + 0x008, 1);
    expect([board.uartText, load(UARTE + 0x120)]).toEqual(["", 0]);
    store(UARTE + 0x500, 8);
    store(UARTE + 0x008, 1);
    expect([board.uartText, load(UARTE + 0x120), load(UARTE + 0x54c)]).toEqual(["hi\n", 1, 3]);
    store(UARTE + 0x544, 0x100);
    expect(() => store(UARTE + 0x008, 1)).toThrow("dma from 0x100");
  });
});
