/* What matvec.c and matvec_cortex_m4.S share: offsets of gl_matvec in the Cortex-M4 build, and its flags. */
#ifndef GATELET_MATVEC_LAYOUT_H
#define GATELET_MATVEC_LAYOUT_H

#include "gatelet_config.h"

/*
 * second part: alignShift, x - 4, bytes to step the weights back, entry into the loop, (rounds - 1) << 8 | flags
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

/* GRU with reset after, behind those: see gl_after_matvec */
#define GL_M4_AFTER (GL_M4_TAIL + 36)

/* flags in the low byte of the rounds word; `lsls #29` makes N of the first, C of the second, not Z of RELU and WIDE */
#define GL_M4_HAS_SECOND 4
/* finished right behind the quad, sigmoid gates and tanh only; alone: a unit of an LSTM, out takes the new hidden state */
#define GL_M4_LSTM 8
/* saturated to 0 .. 32767 */
#define GL_M4_RELU 1
/* int32 results, unsaturated */
#define GL_M4_WIDE 2
/* reset gates, out takes r * h; candidates, out holds p of the update gates and takes new h */
#define GL_M4_GRU_RESET 9
#define GL_M4_GRU_CANDIDATE 10
/* reset after: reset gates; a candidate's input row; its recurrent row, behind which out is as with GRU_CANDIDATE */
#define GL_M4_AFTER_RESET 11
#define GL_M4_AFTER_INPUT 27
#define GL_M4_AFTER_STATE 43

#endif
