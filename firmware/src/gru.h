/* What both kinds of GRU share: the update of the hidden state, KERNELS.md (24). */
#ifndef GATELET_GRU_H
#define GATELET_GRU_H

#include "matvec.h"

/* (24); z, g, h int16 */
GL_INLINE int32_t gl_gru_next(int32_t z, int32_t g, int32_t h) {
  const int32_t step = gl_add(gl_mul(z, h - g), 1 << 14) >> 15;
  return gl_sat16(gl_add(g, step));
}

#endif
