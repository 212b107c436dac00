/** Status codes of every engine: dense, negative, 0 is success. `tools/generate` writes the AssemblyScript and C copies. */
export const STATUSES = [
  ["OK", "success"],
  ["BAD_MAGIC", "not a .gate file"],
  ["BAD_VERSION", "format version is not supported"],
  ["BAD_SIZE", "length differs from the size in the header"],
  ["BAD_CRC", "checksum does not match the contents"],
  ["BAD_HEADER", "header field out of range"],
  ["BAD_SECTION", "section table out of range"],
  ["UNKNOWN_SECTION", "required section is unknown to this engine"],
  ["UNKNOWN_KERNEL", "a kernel is unknown to this engine or not built in"],
  ["BAD_RECORD", "layer record field out of range"],
  ["BAD_TENSOR", "tensor outside its section or misaligned"],
  ["BAD_ARENA", "arena sizes or addresses out of range"],
  ["BAD_OVERLAP", "live arena buffers overlap"],
  ["BAD_ALIGNMENT", "model or arena is not 16-byte aligned"],
  ["BAD_ARGUMENT", "argument out of range"],
  ["BAD_STREAM", "stream was not initialised with this model"],
  ["BAD_TOKEN", "token is outside the vocabulary"],
  ["BAD_STATE", "saved state is not valid for this model"],
  ["ARENA_TOO_SMALL", "arena is smaller than the model needs"],
  ["OUTPUT_TOO_SMALL", "output buffer is smaller than the model needs"],
  ["SCHEDULE", "rows of two branches do not meet"],
] as const;

export type StatusName = (typeof STATUSES)[number][0];

/** Code of a status: 0, -1, -2, ... */
export const STATUS = Object.fromEntries(STATUSES.map(([name], index) => [name, index === 0 ? 0 : -index])) as Readonly<
  Record<StatusName, number>
>;
