/* PReLU with a slope per channel, KERNELS.md (35). */

#include "internal.h"

#if GL_HAS(PRELU)
int gl_prelu(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE), shift = GL_U8(layer, SHIFT);
  const int16_t *slopes = gl_row_at(GL_TENSOR(layer, AUX));
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    const int32_t x = layer->input[i];
    const int32_t scaled = gl_sat16(gl_rshr(x * slopes[i], shift));
    out[i] = (int16_t)gl_select(x >> 31, scaled, x);
  }
  return gl_emit_row(layer);
}
#endif
