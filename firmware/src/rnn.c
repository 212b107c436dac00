/* Simple recurrent layer, KERNELS.md (16), (17). */

#include "matvec.h"

#if GL_HAS(RNN)
int gl_rnn(const gl_layer *layer) {
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer);
  gl_matvec_row(&m, layer, GL_ARENA(layer, SCRATCH));
  return gl_keep_state(layer);
}
#endif
