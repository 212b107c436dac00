/** Headers of C and files of the C library, whose names a model's own files must not take. */
const TAKEN = new Set(
  [
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool",
    "stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar wchar wctype unistd malloc memory new",
    "activation affine check conv1d crc32 dense depthwise_conv1d embedding fastgrnn",
    "global_pool gru gru_reset_after history internal layer_norm lstm main mask matvec matvec_layout matvec_portable merge",
    "minimal_gru pool prelu rnn routing rows rules saved_state small softmax step stream tables wide arduino",
  ].flatMap((line) => line.split(" ")),
);

const isTaken = (name: string): boolean => TAKEN.has(name) || /^gatelet|_cortex_m4$/.test(name);

/** A name of letters, digits and _ for files and C, from whatever a model is called. */
export function identifierOf(name: string): string {
  const cleaned = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return /^[a-z]/.test(cleaned) && !isTaken(cleaned) ? cleaned : `model_${cleaned || "unnamed"}`;
}
