/** What a component's `describe` answers; the numbers of the budget are added by the linker. */
export interface ComponentDescription {
  readonly name: string;
  readonly modelCrc: number;
  readonly window: number;
  readonly frameSize: number;
  readonly input: "frames" | "tokens";
  readonly vocabularySize: number;
  readonly outputSize: number;
  readonly outputScale: number;
  readonly outputTransform: "none" | "softmax" | "sigmoid";
  readonly classes: readonly string[];
  readonly features: readonly string[];
  readonly units: readonly string[];
}

const INPUT_KINDS = ["frames", "tokens"] as const;
const TRANSFORMS = ["none", "softmax", "sigmoid"] as const;
const AT = {
  name: 0,
  modelCrc: 8,
  window: 12,
  frameSize: 16,
  input: 20,
  vocabularySize: 24,
  outputSize: 28,
  outputScale: 32,
  outputTransform: 40,
  classes: 44,
  features: 52,
  units: 60,
  mostFrames: 68,
  stateBytes: 72,
} as const;
const RECORD_BYTES = 80;
const PAIR_BYTES = 8;

/**
 * The record `description` of wit/model.wit as the canonical ABI has it in memory, with its strings and lists behind it.
 * @param address where it will lie, a multiple of 8
 */
export function encodeDescription(
  address: number,
  description: ComponentDescription,
  mostFrames: number,
  stateBytes: number,
): Uint8Array {
  const texts = [description.name, ...description.classes, ...description.features, ...description.units];
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const pairs = texts.length - 1;
  const strings = RECORD_BYTES + PAIR_BYTES * pairs;
  const bytes = new Uint8Array(strings + encoded.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let end = strings;
  const putPair = (at: number, pointer: number, length: number): void => {
    view.setUint32(at, address + pointer, true);
    view.setUint32(at + 4, length, true);
  };
  encoded.forEach((text, i) => {
    bytes.set(text, end);
    putPair(i === 0 ? AT.name : RECORD_BYTES + PAIR_BYTES * (i - 1), end, text.length);
    end += text.length;
  });
  let list = RECORD_BYTES;
  for (const key of ["classes", "features", "units"] as const) {
    putPair(AT[key], list, description[key].length);
    list += PAIR_BYTES * description[key].length;
  }
  for (const key of ["modelCrc", "window", "frameSize", "vocabularySize", "outputSize"] as const) {
    view.setUint32(AT[key], description[key], true);
  }
  view.setUint8(AT.input, INPUT_KINDS.indexOf(description.input));
  view.setFloat64(AT.outputScale, description.outputScale, true);
  view.setUint8(AT.outputTransform, TRANSFORMS.indexOf(description.outputTransform));
  view.setUint32(AT.mostFrames, mostFrames, true);
  view.setUint32(AT.stateBytes, stateBytes, true);
  return bytes;
}
