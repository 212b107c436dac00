/*
 * Quads of weights by a row of int16 for Cortex-M4 (ARMv7E-M), KERNELS.md 3: the raw-halfword trick, exact modulo 2^32.
 *
 *   void gl_m4_quads(gl_part *first, void *out, const void *out_end, uint32_t flags)
 *     Goes on in gl_m4_quads8 or gl_m4_quads4, by the bits behind the first part. Writes the quads that fill [out, out_end),
 *     one after the other, as the flags say: int16 x 4, or int32 x 4.
 *
 * A unit is 4 columns: 16 bytes of weights at 8 bits, 8 bytes at 4 bits. The loop does 8 units; a rest is done by jumping
 * into the first round, with both pointers stepped back. All units take the same time, nothing depends on data.
 *
 * Registers in the loop: r0 weights - 4, r1 x - 4, r2-r7 words and temporaries, r8-r11 accumulators, r12 parameters,
 * lr rounds << 8 | flags. Loads are grouped (k in a row take k + 1 cycles) and narrow, and narrow instructions come in even
 * numbers, so that wide ones stay word-aligned.
 */
#ifndef GATELET_QUADS_CORTEX_M4_H
#define GATELET_QUADS_CORTEX_M4_H

#include "matvec_layout.h"
#include "gatelet_format.gen.h"

/* Windows of a few channels are what half units are worth their bytes for. */
#define HAS_HALVES GL_HAS(CONV1D)

    .syntax unified
    .cpu cortex-m4
    .thumb

/* on the stack during quads: out, its end, first part, where a quad over one part begins */
#define FRAME_OUT 0
#define FRAME_END 4
#define FRAME_FIRST 8
#define FRAME_ALONE 12

/* Where a debugger finds the caller: .debug_frame, which takes no flash. A frame ends in lr. */
    .cfi_sections .debug_frame

.macro frame bytes
    .cfi_def_cfa_offset \bytes
    .cfi_offset lr, -4
.endm

/* of the quads, which several functions share */
#define QUADS_FRAME 52

.macro part_of_quads
    .cfi_startproc
    frame   QUADS_FRAME
.endm

.macro function name
    .global \name
    .type   \name, %function
    .thumb_func
\name:
.endm

/* q in r2-r5, saturated already, become 4 int16 at r1, which moves on */
.macro store_quad
    pkhbt   r2, r2, r3, lsl #16
    pkhbt   r4, r4, r5, lsl #16
    str     r4, [r1, #4]
    str     r2, [r1], #8
    str     r1, [sp, #FRAME_OUT]
    cmp     r1, r6
.endm

.macro saturate_quad
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    ssat    r4, #16, r4
    ssat    r5, #16, r5
.endm

.macro relu_quad
    usat    r2, #15, r2
    usat    r3, #15, r3
    usat    r4, #15, r4
    usat    r5, #15, r5
.endm

/*
 * gl_m4_quads<bits>. Macros unit<bits>, and what is done to the sums:
 *   alone<bits>   a quad over one part begins: r7 first part -> r1-r3, lr of the part, r8-r11
 *   next<bits>    .Lnext<bits>, where the other quads of a row over one part begin: gl_m4_row's layout of the part
 *   half<bits>    2 columns behind 8 units, of which some may be jumped over; then the loop
 *   second<bits>  the second part begins: r5 = bias of the trick; uses r4-r7
 *   unpack<bits>  r8-r11 become rows A .. D with their biases; uses r2-r5
 */
.macro quads bits
    .section .text.gl_m4_quads\bits, "ax", %progbits
    .p2align 4
    .cfi_startproc
  .if \bits == 8
function gl_m4_quads
#if GATELET_INT4
    ldr.w   r12, [r0, #GL_M4_BITS]
    cmp     r12, #8
    bne.w   gl_m4_quads4
#endif
  .endif
function gl_m4_quads\bits
    push    {r4-r11, lr}
    frame   36
    mov     r7, r0
    adr.w   r8, .Lalone\bits + 1
    push    {r1, r2, r7, r8}
    frame   QUADS_FRAME
    ldr.w   r12, [r7, #GL_M4_PARAMS]
    ldr     r0, [r7, #GL_M4_WEIGHTS]
    ldr     r2, [r7, #GL_M4_FIRST_ROUNDS]
    lsls    r2, r2, #29
    bpl.n   1f
    strb    r3, [r7, #GL_M4_SECOND_ROUNDS]
    b.w     gl_m4_both
1:  strb    r3, [r7, #GL_M4_FIRST_ROUNDS]

    .p2align 2
function gl_m4_alone\bits
.Lalone\bits:
    alone\bits
    subs    r0, r0, r2
    bx      r3

    /* half a unit behind a single round, before it: r7 = first part */
    next\bits

#if HAS_HALVES
    .p2align 2
function gl_m4_half\bits
.Lhalf\bits:
    half\bits
#endif

    /* the second part: the first one's sums move left by alignShift, the loop runs once more */
    .p2align 2
2:  ldr.w   r7, [sp, #FRAME_FIRST]
    ldmdb   r7, {r1-r5, lr}
    lsl     r8, r8, r4
    lsl     r9, r9, r4
    lsl     r10, r10, r4
    lsl     r11, r11, r4
    second\bits
    subs    r0, r0, r2
    bx      r3

    .p2align 4
function gl_m4_loop\bits
.Lloop\bits:
    unit\bits 0
    unit\bits 1
    unit\bits 2
    unit\bits 3
    unit\bits 4
    unit\bits 5
    unit\bits 6
    unit\bits 7, 1
    subs    lr, lr, #256
    bpl.w   .Lloop\bits
    lsls    r2, lr, #29
    bmi     2b
    ldmia   sp, {r1, r6, r7}
    unpack\bits
    ldmia   r12!, {r2-r5}
    smmulr  r2, r8, r2
    smmulr  r3, r9, r3
    smmulr  r4, r10, r4
    smmulr  r5, r11, r5
    bcs.w   gl_m4_special
    bne.w   4f
    relu_quad
    store_quad
    bne.w   .Lnext\bits
3:
  .if \bits == 8
function gl_m4_end
  .endif
    str     r0, [r7, #GL_M4_WEIGHTS]
    str.w   r12, [r7, #GL_M4_PARAMS]
    add     sp, sp, #16
    .cfi_remember_state
    frame   36
    pop     {r4-r11, pc}
    .cfi_restore_state
    .p2align 2
4:
  .if \bits == 8
function gl_m4_saturate
  .endif
    saturate_quad
    store_quad
    beq     3b
    lsls    r2, lr, #30
    bmi.w   .Lnext\bits
    b.w     gl_m4_both
    .cfi_endproc
    .size   gl_m4_quads\bits, . - gl_m4_quads\bits
.endm

#endif
