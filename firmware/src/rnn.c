/* Simple recurrent layer, KERNELS.md (16), (17). */
#include "matvec.h"

#if GL_HAS(RNN)
void gl_rnn(const gl_layer *layer) {
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer, state);
  gl_matvec_row(&m, layer, next);
  gl_copy_blocks(state, next, gl_row_bytes(GL_U16(layer, OUTPUT_SIZE)));
}
#endif
