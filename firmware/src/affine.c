/* Per-channel affine map, KERNELS.md (32): kernels AFFINE and INPUT, which may look for mask codes as well. */

#include "internal.h"

int gl_affine_row(const gl_layer *layer) {
  const int16_t *x = layer->input, *end = x + GL_U16(layer, OUTPUT_SIZE);
  const uint8_t *entry = GL_TENSOR(layer, AUX);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (; x != end; entry += GATELET_AFFINE_ENTRY_BYTES) *out++ = (int16_t)gl_affine(*x++, entry);
  return gl_emit_row(layer);
}

#if GL_HAS(INPUT)
int gl_input(const gl_layer *layer) {
  const int result = gl_affine_row(layer);
  if ((GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_SET) == 0u) return result;
  return gl_find_mask(layer, GL_TENSOR(layer, AUX) + GATELET_AFFINE_ENTRY_BYTES * GL_U16(layer, OUTPUT_SIZE));
}
#endif
