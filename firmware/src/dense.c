/* Dense layer, KERNELS.md (26). */

#include "matvec.h"

#if GL_HAS(DENSE)
/* Behind int32 quads. */
static int finish_out32(const gl_layer *layer) {
  uint32_t values = GL_U16(layer, OUTPUT_SIZE);
  int32_t *out = (int32_t *)(void *)GL_ARENA(layer, OUTPUT);
  if (GL_U8(layer, ACTIVATION) == GATELET_ACTIVATION_RELU) {
    for (uint32_t i = 0; i < values; i++) out[i] &= ~(out[i] >> 31);
  }
  for (; (values & 3u) != 0u; values++) out[values] = 0;
  return GL_EMITS;
}

int gl_dense(const gl_layer *layer) {
  gl_matvec_over(layer, layer->input, GL_U16(layer, INPUT_SIZE));
  if ((GL_U8(layer, FLAGS) & GATELET_FLAG_OUT32) != 0u) return finish_out32(layer);
  return gl_matvec_finish(layer);
}
#endif
