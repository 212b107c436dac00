/* Quads of 8-bit weights: quads_cortex_m4.h. A halfword is 256 B + A. r8, r10: raw sums; r9, r11: sums of the rows B and D. */
#include "quads_cortex_m4.h"

    .file   "quads8_cortex_m4.S"

.macro unit8 index, last=0
    ldr     r2, [r0, #(16 * \index + 4)]
    ldr     r3, [r0, #(16 * \index + 8)]
    ldr     r4, [r0, #(16 * \index + 12)]
    ldr     r6, [r1, #(8 * \index + 4)]
  .if \last
    ldr     r5, [r0, #(16 * \index + 16)]!
    ldr     r7, [r1, #(8 * \index + 8)]!
  .else
    ldr     r5, [r0, #(16 * \index + 16)]
    ldr     r7, [r1, #(8 * \index + 8)]
  .endif
    smlad   r8, r2, r6, r8
    sxtb16  r2, r2, ror #8
    smlad   r9, r2, r6, r9
    smlad   r8, r3, r7, r8
    sxtb16  r3, r3, ror #8
    smlad   r9, r3, r7, r9
    smlad   r10, r4, r6, r10
    sxtb16  r4, r4, ror #8
    smlad   r11, r4, r6, r11
    smlad   r10, r5, r7, r10
    sxtb16  r5, r5, ror #8
    smlad   r11, r5, r7, r11
.endm

/* Biases go in first: A = raw - 256 B - 128 times the sum of the columns. */
.macro alone8
    ldmia   r7, {r1-r4, lr}
    ldmia   r12!, {r8-r11}
    add     r8, r8, r4
    add     r10, r10, r4
    add     r8, r8, r9, lsl #8
    add     r10, r10, r11, lsl #8
.endm

.macro second8
    add     r8, r8, r5
    add     r10, r10, r5
    ldmia   r12!, {r4-r7}
    add     r8, r8, r4
    add     r9, r9, r5
    add     r8, r8, r5, lsl #8
    add     r10, r10, r6
    add     r11, r11, r7
    add     r10, r10, r7, lsl #8
.endm

.macro unpack8
    sub     r8, r8, r9, lsl #8
    sub     r10, r10, r11, lsl #8
.endm

    quads   8

    /* a quad over two parts begins, of any width: r7 = first part, r12 = parameters */
    .section .text.gl_m4_both, "ax", %progbits
    .p2align 2
function gl_m4_both
    ldmia   r7, {r1-r4, lr}
    mov     r8, #0
    mov     r9, #0
    mov     r10, #0
    mov     r11, #0
    add     r12, r12, r4
    subs    r0, r0, r2
    bx      r3
    .size   gl_m4_both, . - gl_m4_both
