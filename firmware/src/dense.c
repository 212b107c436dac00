/* Dense layer, KERNELS.md (26). */
#include "matvec.h"

#if GL_HAS(DENSE)
static void dense_out32(gl_matvec *m, const gl_layer *layer, uint32_t values) {
  int32_t *out = (int32_t *)(void *)GL_ARENA(layer, OUTPUT);
  gl_quads_s32(m, out, gl_pad4(values) >> 2);
  if (GL_U8(layer, ACTIVATION) == GATELET_ACTIVATION_RELU) {
    for (uint32_t i = 0; i < values; i++) out[i] &= ~(out[i] >> 31);
  }
  for (; (values & 3u) != 0u; values++) out[values] = 0;
}

void gl_dense(const gl_layer *layer) {
  gl_matvec m;
  gl_matvec_single(&m, layer, layer->input, GL_U16(layer, INPUT_SIZE));
  if ((GL_U8(layer, FLAGS) & GATELET_FLAG_OUT32) != 0u) {
    dense_out32(&m, layer, GL_U16(layer, OUTPUT_SIZE));
  } else {
    gl_matvec_row(&m, layer, GL_ARENA(layer, OUTPUT));
  }
}
#endif
