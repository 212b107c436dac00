/* Embedding, KERNELS.md (33): a row of int8 times the row's own multiplier. */

#include "internal.h"

#if GL_HAS(EMBEDDING)
int gl_embedding(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE), token = (uint16_t)layer->input[0];
  const uint8_t *weights = GL_TENSOR(layer, WEIGHTS) + token * gl_pad16(n);
  const int32_t multiplier = gl_s16(GL_TENSOR(layer, AUX) + 2u * token);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t c = 0; c < n; c++) out[c] = (int16_t)gl_sat16((int8_t)weights[c] * multiplier);
  (void)gl_emit_row(layer);
  return (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_SET) != 0u && token == 0u ? GL_EMITS | GL_FOUND_MASK : GL_EMITS;
}
#endif
