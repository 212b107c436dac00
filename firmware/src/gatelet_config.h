/*
 * What is built in. Every switch can be set on the compiler's command line; the same values for all files of one program.
 *
 * GATELET_KERNELS    mask of kernels, bit i = kernel i of FORMAT.md 5; a model that needs another one is refused at check
 * GATELET_INT4       1: 4-bit weights are supported
 * GATELET_CORTEX_M4  1: assembly for Armv7E-M instead of portable C in the loops over weights
 * GATELET_PROFILE    1: the program defines gatelet_profile(), called before each layer of a step
 */
#ifndef GATELET_CONFIG_H
#define GATELET_CONFIG_H

#ifndef GATELET_KERNELS
#define GATELET_KERNELS 0x00ffffffu
#endif
#ifndef GATELET_INT4
#define GATELET_INT4 1
#endif
#ifndef GATELET_CORTEX_M4
#define GATELET_CORTEX_M4 0
#endif
#ifndef GATELET_PROFILE
#define GATELET_PROFILE 0
#endif

/* whether kernel `name` of FORMAT.md 5 is built in */
#define GL_HAS(name) ((GATELET_KERNELS >> GATELET_KERNEL_##name) & 1u)

#endif
