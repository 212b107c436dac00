/*
 * uint32_t gl_m4_sum(const int16_t *x, uint32_t units, uint32_t sum)
 *   sum plus 4 * units values, modulo 2^32.
 */
#include "quads_cortex_m4.h"

    .file   "rows_cortex_m4.S"

    .section .text.gl_m4_sum, "ax", %progbits
    .p2align 2
function gl_m4_sum
    .cfi_startproc
    push    {r4-r8, lr}
    frame   24
    mov     r12, #0x00010001
    lsrs    r3, r1, #2
    ands    r1, r1, #3
    beq     2f
1:  ldmia   r0!, {r4, r5}
    subs    r1, r1, #1
    smlad   r2, r4, r12, r2
    smlad   r2, r5, r12, r2
    bne     1b
2:  cbz     r3, 4f
3:  ldmia   r0!, {r1, r4, r5, r6, r7, r8, lr}
    subs    r3, r3, #1
    smlad   r2, r1, r12, r2
    ldr     r1, [r0], #4
    smlad   r2, r4, r12, r2
    smlad   r2, r5, r12, r2
    smlad   r2, r6, r12, r2
    smlad   r2, r7, r12, r2
    smlad   r2, r8, r12, r2
    smlad   r2, lr, r12, r2
    smlad   r2, r1, r12, r2
    bne     3b
4:  mov     r0, r2
    pop     {r4-r8, pc}
    .cfi_endproc
    .size   gl_m4_sum, . - gl_m4_sum
