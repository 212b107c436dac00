import { type GateModel, type KernelName, SECTION } from "@gatelet/converter/format";
import type { LinkRecord } from "@gatelet/kernels";
import { linkFacts } from "./link-facts.js";

const COUNTERS_AT = 8;
const COUNTER_BYTES = 16;

/** What a layer of a chain calls; those that tell whether a row left end the frame where none did. */
const CALLS: Readonly<Partial<Record<KernelName, string>>> = {
  INPUT: "gl_affine_row(&layer);",
  RNN: "gl_rnn(&layer);",
  LSTM: "gl_lstm(&layer);",
  GRU: "gl_gru(&layer);",
  GRU_RESET_AFTER: "gl_gru_reset_after(&layer);",
  MINIMAL_GRU: "gl_gru(&layer);",
  FASTGRNN: "gl_fastgrnn(&layer);",
  DENSE: "gl_dense(&layer);",
  CONV1D: "if (!gl_conv1d(&layer)) break;",
  DEPTHWISE_CONV1D: "if (!gl_depthwise_conv1d(&layer)) break;",
  POOL: "if (!gl_pool(&layer)) break;",
  GLOBAL_POOL: "if (!gl_global_pool(&layer)) break;",
  AFFINE: "gl_affine_row(&layer);",
  ACTIVATION: "gl_activation_row(&layer);",
  PRELU: "gl_prelu(&layer);",
  LAYER_NORM: "gl_layer_norm(&layer);",
  SOFTMAX: "gl_softmax(&layer);",
};

/** `NAME_model`: what gatelet_check would fill in, known when the file is built. */
function modelConstant({ header, sections, records }: GateModel, name: string): string {
  const recordsAt = sections.find(({ id }) => id === SECTION.RECORDS)!.offset;
  const fields: [string, number | string][] = [
    ["bytes", `${name}_gate`],
    ["records", `${name}_gate + ${recordsAt}`],
    ["file_bytes", header.fileBytes],
    ["crc", `0x${(header.crc32 >>> 0).toString(16)}u`],
    ["arena_bytes", header.arenaBytes],
    ["state_bytes", header.stateBytes],
    ["window", header.window],
    ["max_output_rows", header.maxOutputRows],
    ["vocabulary_size", header.vocabularySize],
    ["record_count", records.length],
    ["frame_size", header.frameSize],
    ["output_size", header.outputSize],
    ["input_kind", header.inputKind],
    ["output_type", header.outputType],
    ["output_transform", header.outputTransform],
  ];
  const lines = fields.map(([field, value]) => `    .${field} = ${value},`);
  return `const gatelet_model ${name}_model = {\n${lines.join("\n")}\n};\n`;
}

/** One layer: its place in file and arena as constants, the counters that every engine keeps, and the kernel's call. */
function layerBlock(kernel: KernelName, link: LinkRecord, index: number, input: string, counted: boolean): string {
  const counters = COUNTERS_AT + COUNTER_BYTES * index;
  const windowed = kernel === "CONV1D" || kernel === "DEPTHWISE_CONV1D" || kernel === "POOL";
  const lines = [
    `{ /* ${index}: ${kernel} */`,
    `  const gl_layer layer = {bytes, bytes + ${link.offset}, arena, arena + ${counters}, ${input}, 0};`,
    `  PROFILE(${index})`,
    ...(counted ? ["  count(layer.counters + GATELET_COUNTER_SEEN);"] : []),
    `  ${CALLS[kernel]}`,
  ];
  if (link.atEnd && kernel !== "GLOBAL_POOL") {
    lines.push(`  if (gl_u32(layer.counters + GATELET_COUNTER_SEEN) != ${link.rowsIn}u) break;`);
  }
  if (counted && windowed) {
    lines.push(`  if (gl_u32(layer.counters + GATELET_COUNTER_EMITTED) == ${link.rowsOut}u) break;`);
  }
  if (counted) lines.push("  count(layer.counters + GATELET_COUNTER_EMITTED);");
  return [...lines, "}"].map((line) => `    ${line}`).join("\n");
}

/** The frame through all layers; `break` where a layer keeps its row. */
function chainBody(model: GateModel, name: string): string {
  const facts = linkFacts(model);
  const { records, header } = model;
  const counted = header.window > 0;
  const blocks = records.map(({ kernel }, i) => {
    const before = facts.records[i - 1];
    const input = before === undefined ? "frame" : `gl_row_at(arena + ${before.output})`;
    return layerBlock(kernel, facts.records[i], i, input, counted);
  });
  const rowBytes = facts.outputSize * facts.outputBytesEach;
  const last = facts.records[records.length - 1];
  const end = counted
    ? `  if (gl_u32(arena + GL_FRAMES_AT) == ${header.window}u) gl_reset(&${name}_model, arena);\n`
    : "";
  return `  const uint8_t *bytes = ${name}_gate;
  int32_t rows = 0;
  if (output_bytes < ${rowBytes * header.maxOutputRows}u) return GATELET_STATUS_OUTPUT_TOO_SMALL;
  uint8_t *arena = stream->arena;
  do {
${blocks.join("\n")}
    PROFILE(${records.length})
    memcpy(output, arena + ${last.output}, ${rowBytes});
    rows = 1;
  } while (0);
  count(arena + GL_FRAMES_AT);
${end}  return rows;`;
}

const CHAIN_HELPERS = `#if GATELET_PROFILE
#define PROFILE(layer) gatelet_profile(layer);
#else
#define PROFILE(layer)
#endif

static inline void count(uint8_t *at) { gl_set_u32(at, gl_u32(at) + 1u); }

`;

/**
 * C code behind the array: the model as a constant, and `NAME_step`. A chain of layers gets its kernels' calls written out,
 * so that a compiler that sees the whole program folds the records into them (ADR 0004); other models go through gatelet_step.
 */
export function stepSource(model: GateModel, name: string): string {
  const isChain = linkFacts(model).isChain && model.records.every(({ kernel }) => kernel in CALLS);
  const body = isChain ? chainBody(model, name) : "  return gatelet_step(stream, frame, output, output_bytes);";
  return `${modelConstant(model, name)}
${isChain ? CHAIN_HELPERS : ""}int32_t ${name}_step(gatelet_stream *stream, const int16_t *frame, ${name}_value *output, uint32_t output_bytes) {
  if (stream == NULL || frame == NULL || output == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream) || stream->model->bytes != ${name}_gate) return GATELET_STATUS_BAD_STREAM;
${body}
}
`;
}
