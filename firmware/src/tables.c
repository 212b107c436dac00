/* The constant tables of KERNELS.md: the one file that includes the generated values. */
#include "internal.h"

#include "gatelet_tables.gen.h"

const uint32_t *const gl_tanh_half = GATELET_TANH_HALF_VALUES;
const uint16_t *const gl_rsqrt = GATELET_RSQRT_VALUES;
const uint32_t *const gl_exp2 = GATELET_EXP2_VALUES;
