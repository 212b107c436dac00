/* What matvec.c and the Cortex-M4 assembly share: offsets in gl_matvec from `first`, where the assembly's pointer is, and flags. */
#ifndef GATELET_MATVEC_LAYOUT_H
#define GATELET_MATVEC_LAYOUT_H

#include "gatelet_config.h"

/*
 * second part (before `first`): x - 4, bytes to step the weights back, entry into the loop, alignShift, bias of the trick, rounds
 * first part: x - 4, bytes to step back and what quads skip, entry, bias of the trick or parameters that quads skip, rounds
 * A rounds word is (rounds - 1) << 8 | flags.
 */
#define GL_M4_SECOND_ROUNDS (-4)
#define GL_M4_FIRST_ROUNDS 16
#define GL_M4_PARAMS 20
#define GL_M4_WEIGHTS 24
#define GL_M4_BITS 28
/* a row over one part: where the loop is entered behind half a unit */
#define GL_M4_BEHIND_HALF 32
/* what LSTM and GRU need behind their quads: table of (4), next c (GRU: h), cellShift, multiplier of (20) */
#define GL_M4_TANH_TABLE 32
#define GL_M4_CELL 36
#define GL_M4_CELL_SHIFT 40
/* GRU with reset after: see gl_after_matvec */
#define GL_M4_AFTER_INPUT_PART 40
#define GL_M4_AFTER_STATE_PART 60
#define GL_M4_AFTER_WAITING 80

/* in gl_layer */
#define GL_LAYER_MODEL 0
#define GL_LAYER_ARENA 8
#define GL_LAYER_COUNTERS 12

/* bytes of code of one unit of the loop */
#define GL_M4_UNIT8_BYTES 60
#define GL_M4_UNIT4_BYTES 64

/*
 * Flags in the low byte of the last part's rounds word; `lsls #29` makes N of HAS_SECOND, C of the bit 8, Z where 1 and 2 are
 * clear. GL_M4_RELU: one part, saturated to 0 .. 32767.
 */
#define GL_M4_HAS_SECOND 4
#define GL_M4_RELU 0
/* saturated, one part or two */
#define GL_M4_ALONE 3
#define GL_M4_BOTH 1
/* two parts, saturated to 0 .. 32767; one part, int32, unsaturated; bit 8 sends these and all below to gl_m4_special */
#define GL_M4_BOTH_RELU 105
#define GL_M4_WIDE 41
/* finished right behind the quad, sigmoid gates and tanh only: a unit of an LSTM, out takes the new hidden state */
#define GL_M4_LSTM 8
/* reset gates, out takes r * h; candidates, out holds p of the update gates and takes new h */
#define GL_M4_GRU_RESET 9
#define GL_M4_GRU_CANDIDATE 10
/* reset after: reset gates; a candidate's input row; its recurrent row, behind which out is as with GRU_CANDIDATE */
#define GL_M4_AFTER_RESET 11
#define GL_M4_AFTER_INPUT 25
#define GL_M4_AFTER_STATE 73
/* one of these bits is set in all flags above 11, none in the others; `lsls #26` makes C and N of the higher two */
#define GL_M4_OTHERS 112

#endif
