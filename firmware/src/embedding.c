/* Embedding, KERNELS.md (33): a row of int8 times the row's own multiplier. */
#include "internal.h"

#if GL_HAS(EMBEDDING)
void gl_embedding(const gl_layer *layer, uint32_t token) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE);
  const uint8_t *weights = GL_TENSOR(layer, WEIGHTS) + token * gl_pad16(n);
  const int32_t multiplier = gl_s16(GL_TENSOR(layer, AUX) + 2u * token);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t c = 0; c < n; c++) out[c] = (int16_t)gl_sat16((int8_t)weights[c] * multiplier);
  gl_zero_tail(out, n);
}
#endif
