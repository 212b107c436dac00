/* Mask codes, KERNELS.md 5. */
#include "internal.h"

int gl_mask_matches(const gl_layer *layer, const int16_t *row, const int16_t *codes) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE);
  uint32_t equal = 0;
  for (uint32_t i = 0; i < n; i++) equal += row[i] == codes[i];
  return (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_ANY) != 0u ? equal != 0u : equal == n;
}

#if GL_HAS(MASK)
int gl_mask(const gl_layer *layer) {
  const uint32_t bytes = gl_row_bytes(GL_U16(layer, OUTPUT_SIZE));
  const int found = gl_mask_matches(layer, layer->input, gl_row_at(GL_TENSOR(layer, AUX)));
  int16_t *out = GL_ARENA(layer, OUTPUT);
  if (found && (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_ZERO) != 0u) {
    memset(out, 0, bytes);
  } else {
    gl_copy_blocks(out, layer->input, bytes);
  }
  return found;
}
#endif
