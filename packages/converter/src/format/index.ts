export { countersEnd, lastReaders } from "./arena.js";
export { crc32 } from "./crc32.js";
export { type EncodeOptions, encodeModel } from "./encode.js";
export { FormatError, type FormatErrorDetails } from "./errors.js";
export { readField, readFields, writeField } from "./fields.js";
export type { HeaderField, HeaderFields, SectionEntry } from "./header.js";
export {
  GATES,
  packQuads,
  packRowParams,
  type Quad,
  type QuadOrder,
  type QuadWeights,
  quadList,
  unpackQuads,
  unpackRowParams,
  type WeightPart,
} from "./quads.js";
export { type GateModel, GateRecord, readModel, type TensorName } from "./read.js";
export {
  FIELD_GROUP,
  type FieldGroup,
  GROUP_FIELDS,
  hasQuads,
  isDrainable,
  isRecurrent,
  isStateOutput,
  isWindowed,
  KERNEL_NAMES,
  KERNEL_RULES,
  type KernelRule,
} from "./rules.js";
export { type CounterFields, decodeState, encodeState, initialState, readCounters } from "./saved-state.js";
export {
  type MergeTiming,
  type Schedule,
  type ScheduledRecord,
  type ScheduleTick,
  simulateSchedule,
} from "./schedule.js";
export {
  ACTIVATION,
  AFFINE_ENTRY_BYTES,
  COUNTER,
  COUNTER_BYTES,
  type FieldTable,
  type FieldType,
  FLAG,
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  INPUT_KIND,
  KERNEL,
  type KernelName,
  LIMITS,
  MAGIC,
  MERGE_MODE,
  NO_INPUT,
  OUTPUT_TRANSFORM,
  OUTPUT_TYPE,
  POOL_MODE,
  pad2,
  pad4,
  pad8,
  pad16,
  RECORD,
  RECORD_BYTES,
  type RecordField,
  ROW_PARAM_BYTES,
  SECTION,
  SECTION_ENTRY_BYTES,
  STATE,
  STATE_HEADER_BYTES,
  STATE_MAGIC,
  STATE_VERSION,
  STREAM_HEADER_BYTES,
  TABLE_BYTES,
} from "./schema.js";
export {
  blocksOf,
  historyRows,
  maskBytes,
  quadsOf,
  type RecordFields,
  type RecordNeeds,
  recordNeeds,
  rowBytes,
} from "./sizes.js";
export type { LayerMeta, ModelMeta, ModelSpec, RecordSpec } from "./spec.js";
export { STATUS, STATUSES, type StatusName } from "./statuses.js";
export {
  type AffineEntry,
  affineBytes,
  averageBytes,
  averageReciprocals,
  int16Bytes,
  int32Bytes,
  layerNormBytes,
  packByteRows,
  readAffine,
  tableBytes,
} from "./tensors.js";
