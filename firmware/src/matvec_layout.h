/* What matvec.c and matvec_cortex_m4.S share: offsets of gl_matvec in the Cortex-M4 build, and its flags. */
#ifndef GATELET_MATVEC_LAYOUT_H
#define GATELET_MATVEC_LAYOUT_H

#include "gatelet_config.h"

/*
 * second part: x - 4, bytes to step the weights back, entry into the loop, alignShift, (rounds - 1) << 8 | flags
 * first part:  x - 4, bytes to step back less what quads skip, entry, rounds and flags
 * tail:        bias of the trick, parameters, bytes to skip behind each quad's parameters, weights
 */
#define GL_M4_SECOND 0
#define GL_M4_FIRST 20
#define GL_M4_TAIL 36
#define GL_M4_WEIGHTS (GL_M4_TAIL + 12)
/* bits; then what LSTM and GRU need behind their quads: table of (4), next c (GRU: h), cellShift, multiplier of (20) */
#define GL_M4_TANH_TABLE (GL_M4_TAIL + 20)
#define GL_M4_CELL (GL_M4_TAIL + 24)
#define GL_M4_CELL_SHIFT (GL_M4_TAIL + 28)

/* bytes of code of one unit of the loop */
#define GL_M4_UNIT8_BYTES 60
#define GL_M4_UNIT4_BYTES 64

/* flags in the low byte of the rounds word; `lsls #29` makes N of the first, C of the second, not Z of the others */
#define GL_M4_HAS_SECOND 4
/* the quads are units of an LSTM with sigmoid gates and tanh: out takes the new hidden state */
#define GL_M4_LSTM 8
/* saturated to 0 .. 32767 */
#define GL_M4_RELU 1
/* int32 results, unsaturated */
#define GL_M4_WIDE 2
/* with sigmoid gates and tanh: reset gates, out takes r * h; candidates, out holds p of the update gates and takes new h */
#define GL_M4_GRU_RESET 3
#define GL_M4_GRU_CANDIDATE 19
#define GL_M4_IS_GRU 1
#define GL_M4_IS_CANDIDATE 16

#endif
