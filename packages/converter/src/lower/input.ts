import { affineBytes, FLAG, int16Bytes } from "../format/index.js";
import { int16Rounder, scaleFor } from "../quantize/activation-plan.js";
import { affineEntry } from "../quantize/affine.js";
import { QuantizeError } from "../quantize/errors.js";
import type { Lowering, NodeOf } from "./lowering.js";
import { alignedScale } from "./recurrent.js";

/** Code of a masked frame where the mask value is no raw count. */
const RESERVED_CODE = -32768;

/**
 * Record 0. Affine nodes directly behind the input fold into its entries, and so does a mask behind them: it compares raw
 * counts. The row's scale is one for all features.
 */
export function lowerInput(lowering: Lowering): void {
  const { graph } = lowering;
  const input = graph.nodes[0] as NodeOf<"input">;
  if (input.kind === "tokens") {
    checkTokens(lowering);
    return;
  }
  const { encoding } = lowering.options;
  if (encoding === undefined) throw new Error("frames need an encoding");
  const gain = [...encoding.gain];
  const offset = [...encoding.shift];
  const folded = [0];
  let last = 0;
  for (;;) {
    const next = onlyConsumer(lowering, last);
    const node = next === undefined ? undefined : graph.nodes[next];
    if (node?.op !== "affine" || next === lowering.head.node) break;
    node.scale.data.forEach((factor, j) => {
      gain[j] *= factor;
      offset[j] = offset[j] * factor + node.offset.data[j];
    });
    folded.push((last = next as number));
  }
  let codes: Int16Array | undefined;
  let flags = 0;
  const next = onlyConsumer(lowering, last);
  const mask = next === undefined ? undefined : graph.nodes[next];
  if (mask?.op === "mask") {
    codes = maskCodes(lowering, mask, gain, offset);
    flags = FLAG.MASK_SET | (mask.zero ? FLAG.MASK_ZERO : 0) | (mask.when === "any" ? FLAG.MASK_ANY : 0);
    folded.push((last = next as number));
  }
  const scale = alignedScale(lowering, last, scaleFor(lowering.bound(lowering.stats[last].output)));
  const entries = affineBytes(gain.map((g, j) => affineEntry(`input feature ${j}`, g / scale, offset[j] / scale)));
  const aux = codes === undefined ? entries : concat(entries, int16Bytes(codes));
  const size = input.shape.cols;
  const rows = graph.window ?? 0;
  const fields = { inputSize: size, outputSize: size, rowsIn: rows, rowsOut: rows, flags };
  const record = lowering.push(last, { kernel: "INPUT", fields, aux });
  for (const index of folded) lowering.signals[index] = { record, scale };
  lowering.simulated[last] = { apply: int16Rounder(scale) };
}

function onlyConsumer(lowering: Lowering, index: number): number | undefined {
  const consumers = lowering.consumers[index];
  return consumers.length === 1 && index !== lowering.head.node ? consumers[0] : undefined;
}

/** Raw counts that mean "masked"; -32768 in every feature where the mask value is no raw count, which META tells. */
function maskCodes(lowering: Lowering, mask: NodeOf<"mask">, gain: number[], offset: number[]): Int16Array {
  const exact = gain.map((g, j) => (mask.value - offset[j]) / g);
  const close = (raw: number) => Math.abs(raw - Math.round(raw)) < 1e-4 && Math.abs(raw) <= 32767;
  if (exact.every(close)) return Int16Array.from(exact, Math.round);
  lowering.inputMeta["mask"] = { code: RESERVED_CODE, value: mask.value };
  lowering.warnings.push(
    `mask value ${mask.value} of ${mask.name} is no raw count: send ${RESERVED_CODE} in every feature of a masked frame`,
  );
  return new Int16Array(gain.length).fill(RESERVED_CODE);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Tokens go straight into the one embedding. */
function checkTokens(lowering: Lowering): void {
  const next = onlyConsumer(lowering, 0);
  const node = next === undefined ? undefined : lowering.graph.nodes[next];
  if (node?.op !== "embedding") throw new QuantizeError("a token input must feed exactly one embedding");
}
