import { readFileSync } from "node:fs";
import { join } from "node:path";
import { firmwareFolder } from "./build.js";

/** Constants of runner_map.h by name. */
export function runnerMap(): Readonly<Record<string, number>> {
  const text = readFileSync(join(firmwareFolder, "board/nrf52840/runner_map.h"), "utf8");
  const defines = text.matchAll(/^#define (RUNNER_\w+) (-?(?:0x[0-9a-f]+|\d+))$/gm);
  return Object.fromEntries([...defines].map(([, name, value]) => [name, Number(value)]));
}

export interface FramesOptions {
  readonly flags?: number;
  /** Bytes of RAM the runner may use; default all. */
  readonly ramBytes?: number;
}

/** Frames image of the runner. */
export function framesImage(frames: readonly Int16Array[], options: FramesOptions = {}): Uint8Array {
  const map = runnerMap();
  const values = frames[0]?.length ?? 0;
  const header = map["RUNNER_FRAMES_HEADER_BYTES"]!;
  const image = new Uint8Array(header + 2 * values * frames.length);
  const view = new DataView(image.buffer);
  const word = (name: string, value: number) => view.setUint32(map[`RUNNER_FRAMES_${name}_AT`]!, value, true);
  word("MAGIC", map["RUNNER_FRAMES_MAGIC"]!);
  word("VERSION", map["RUNNER_VERSION"]!);
  word("COUNT", frames.length);
  word("VALUES", values);
  word("FLAGS", options.flags ?? 0);
  word("RAM_BYTES", options.ramBytes ?? 0);
  frames.forEach((frame, f) => {
    frame.forEach((value, i) => {
      view.setInt16(header + 2 * (f * values + i), value, true);
    });
  });
  return image;
}

/** Loadable segments and symbols of a 32-bit little-endian ELF file: as much as tests of the runner need. */
export function readElf(bytes: Uint8Array): {
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly symbols: ReadonlyMap<string, { readonly address: number; readonly size: number; readonly type: number }>;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number) => view.getUint16(at, true);
  const u32 = (at: number) => view.getUint32(at, true);
  const segments = Array.from({ length: u16(44) }, (_, i) => u32(28) + i * u16(42))
    .filter((at) => u32(at) === 1 && u32(at + 16) > 0)
    .map((at) => ({ address: u32(at + 12), bytes: bytes.subarray(u32(at + 4), u32(at + 4) + u32(at + 16)) }));
  const sections = Array.from({ length: u16(48) }, (_, i) => u32(32) + i * u16(46));
  const table = sections.find((at) => u32(at + 4) === 2)!;
  const names = u32(sections[u32(table + 24)]! + 16);
  const symbols = new Map<string, { address: number; size: number; type: number }>();
  for (let at = u32(table + 16); at < u32(table + 16) + u32(table + 20); at += 16) {
    let end = names + u32(at);
    while (bytes[end] !== 0) end++;
    const name = Buffer.from(bytes.subarray(names + u32(at), end)).toString();
    symbols.set(name, { address: u32(at + 4), size: u32(at + 8), type: bytes[at + 12]! & 15 });
  }
  return { segments, symbols };
}
