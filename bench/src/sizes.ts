import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Model } from "../../packages/kernels-as/dist/index.js";
import { deployedModel, STUDY_NETS } from "./converted.js";
import type { Figure } from "./figures.js";

const INT8_LIMITS = { "hapt-lstm": 144_000, "hapt-gru": 111_000, "hapt-rnn": 136_000 } as const;

/** Bytes of files, of RAM and of the kernels' modules. */
export async function sizeFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const bytes = (id: string, text: string, value: number, atMost?: number): void => {
    figures.push({
      id,
      text,
      value,
      unit: "bytes",
      kind: "exact",
      ...(atMost === undefined ? {} : { goal: { atMost } }),
    });
  };
  for (const name of STUDY_NETS) {
    const int8 = (await deployedModel(name, 8)).converted.bytes.length;
    const int4 = (await deployedModel(name, 4)).converted.bytes.length;
    bytes(`bytes.int8.${name}`, `${name}.gate, int8`, int8, INT8_LIMITS[name]);
    bytes(`bytes.int4.${name}`, `${name}.gate, int4`, int4, name === "hapt-lstm" ? 80_000 : Math.floor(0.56 * int8));
  }
  const { description } = await Model.load((await deployedModel("hapt-lstm", 8)).converted.bytes);
  bytes("ram.hapt-lstm", "hapt-lstm: state and scratch of a stream", description.arenaBytes, 1856);
  for (const [engine, limit] of [
    ["scalar", 8192],
    ["simd", 12_288],
  ] as const) {
    const file = readFileSync(new URL(`../../packages/kernels-as/dist/${engine}.wasm`, import.meta.url));
    bytes(`wasm.${engine}`, `${engine}.wasm`, file.length);
    bytes(`wasm.${engine}.gzip`, `${engine}.wasm, gzip -9`, gzipSync(file, { level: 9 }).length, limit);
  }
  return figures;
}
