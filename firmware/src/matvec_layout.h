/* What matvec.c and matvec_cortex_m4.S share: offsets of gl_matvec in the Cortex-M4 build, and its flags. */
#ifndef GATELET_MATVEC_LAYOUT_H
#define GATELET_MATVEC_LAYOUT_H

#include "gatelet_config.h"

/* each part: x - 4, bytes to step the weights back, entry into the loop, (rounds - 1) << 8 | flags */
#define GL_M4_FIRST 0
#define GL_M4_SECOND 16
#define GL_M4_SHIFT 32
#define GL_M4_TRICK_BIAS 36
#define GL_M4_PARAMS 40
#define GL_M4_WEIGHTS 44

/* bytes of code of one unit of the loop */
#define GL_M4_UNIT8_BYTES 60
#define GL_M4_UNIT4_BYTES 64

/* flags in the low byte of the rounds word */
#define GL_M4_HAS_SECOND 1
/* set with either of the next two, where plain saturation to int16 is not what is wanted */
#define GL_M4_SPECIAL 2
/* int32 results, unsaturated */
#define GL_M4_WIDE 4

#endif
