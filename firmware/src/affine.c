/* Per-channel affine map, KERNELS.md (32): kernels INPUT and AFFINE. */
#include "internal.h"

void gl_affine_row(const gl_layer *layer, const int16_t *input, const uint8_t *entries) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  const int16_t *end = input + n;
  for (; input != end; entries += GATELET_AFFINE_ENTRY_BYTES) *out++ = (int16_t)gl_affine(*input++, entries);
  gl_zero_tail(out - n, n);
}
