/* Simple recurrent layer, KERNELS.md (16), (17). */
#include "matvec.h"

#if GL_HAS(RNN)
void gl_rnn(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  const gl_activation activation = gl_layer_activation(layer);
  gl_matvec m;
  const uint32_t input_sum = gl_matvec_recurrent(&m, layer, state);
  gl_matvec_sums_of(&m, layer, input_sum, gl_matvec_sum(&m, state, hidden));
  gl_matvec_row(&m, &activation, next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif
