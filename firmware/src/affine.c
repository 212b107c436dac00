/* Per-channel affine map, KERNELS.md (32): kernels INPUT and AFFINE. */

#include "internal.h"

int gl_affine_row(const gl_layer *layer) {
  const int16_t *x = layer->input, *end = x + GL_U16(layer, OUTPUT_SIZE);
  const uint8_t *entry = GL_TENSOR(layer, AUX);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (; x != end; entry += GATELET_AFFINE_ENTRY_BYTES) *out++ = (int16_t)gl_affine(*x++, entry);
  return gl_emit_row(layer);
}
