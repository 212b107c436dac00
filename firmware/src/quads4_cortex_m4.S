/*
 * Quads of 4-bit weights: quads_cortex_m4.h. A halfword is 4096 D + 256 C + 16 B + A. r8: raw sums; r9: 16 B; r10: 16 D + C;
 * r11: 16 D. All but D are 8 too large: the bias of the trick, t = -8 times the sum of the columns, goes in first.
 */
#include "quads_cortex_m4.h"

#if GATELET_INT4
    .file   "quads4_cortex_m4.S"

/* Two columns of four rows: a word of weights, one of x, scratch. */
.macro pair4 word, x, high
    sxtb16  \high, \word, ror #8
    smlad   r8, \word, \x, r8
    and     \word, \word, #0x00f000f0
    smlad   r10, \high, \x, r10
    bic     \high, \high, #0x000f000f
    smlad   r9, \word, \x, r9
    smlad   r11, \high, \x, r11
.endm

/* half a block */
.macro unit4 index, last=0
    ldr     r2, [r0, #(8 * \index + 4)]
    ldr     r6, [r1, #(8 * \index + 4)]
  .if \last
    ldr     r3, [r0, #(8 * \index + 8)]!
    ldr     r7, [r1, #(8 * \index + 8)]!
  .else
    ldr     r3, [r0, #(8 * \index + 8)]
    ldr     r7, [r1, #(8 * \index + 8)]
  .endif
    pair4   r2, r6, r4
    pair4   r3, r7, r5
.endm

.macro alone4
    ldmia   r7, {r1-r3, r10, lr}
    mov     r11, #0
    lsl     r9, r10, #4
    add     r8, r10, r10, lsl #8
    add     r8, r8, r9
.endm

.macro next4
    .p2align 2
function gl_m4_next4
.Lnext4:
    ldmia   r7, {r1-r3, r8-r11, lr}
    /* gl_m4_row enters here with these */
function gl_m4_next4_begun
    subs    r0, r0, r2
    bx      r3
.endm

.macro half4
    ldr.w   r2, [r0, #(8 * 8 + 4)]
    ldr     r6, [r1, #(8 * 8 + 4)]
    ldr     r3, [r7, #GL_M4_BEHIND_HALF]
    pair4   r2, r6, r4
    bx      r3
.endm

.macro second4
    add     r10, r10, r5
    add     r8, r8, r5
    add     r9, r9, r5, lsl #4
    add     r8, r8, r5, lsl #4
    add     r8, r8, r5, lsl #8
.endm

/* (14) makes 28 bits of the sums: B and D are 16 times too large and lose them by the shift */
.macro unpack4
    sub     r8, r8, r10, lsl #8
    sub     r10, r10, r11
    ldmia   r12!, {r2-r5}
    sub     r8, r8, r9
    sbfx    r10, r10, #0, #28
    sbfx    r8, r8, #0, #28
    add     r9, r3, r9, asr #4
    add     r11, r5, r11, asr #4
    add     r10, r10, r4
    add     r8, r8, r2
.endm

    quads   4
#endif
