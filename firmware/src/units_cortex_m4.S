/*
 * Rows of activations, two values in a word at a time:
 *   void gl_m4_tanh_row(int16_t *row, const int16_t *end, const uint32_t *table, uint32_t is_sigmoid)   (4) or (7) in place
 *   void gl_m4_forget_rows(const gl_layer *layer, const uint32_t *table)               (46) of a minimal GRU, sigmoid gate
 *   void gl_m4_fastgrnn(const gl_layer *layer, const uint32_t *table)                  (48) to (51), sigmoid gate and tanh
 * A row is 4-byte aligned; where its end is not, one value more is overwritten.
 */
#include "quads_cortex_m4.h"

    .file   "units_cortex_m4.S"

/*
 * (4) of both halves of \p, in place: \sign all ones where p <= 0 (tanh is 0 there as well), \a, \b scratch.
 * r2 table, r3 = 128 << 16 (low bits scratch), r12 = 0, lr = -1.
 */
.macro tanh_word p, sign, a, b
    ssub16  \sign, r12, \p
    sel     \p, \sign, \p
    sel     \sign, lr, r12
    ubfx    \a, \p, #7, #9
    lsr     \b, \p, #23
    bfi     r3, \p, #0, #7
    ldr     \a, [r2, \a, lsl #2]
    ldr     \b, [r2, \b, lsl #2]
    smuad   \a, \a, r3
    lsr     \p, \p, #16
    bfi     r3, \p, #0, #7
    smuad   \b, \b, r3
    asr     \a, \a, #7
    pkhbt   \p, \a, \b, lsl #9
    eor     \p, \p, \sign
    ssub16  \p, \p, \sign
.endm

.macro tanh_constants
    mov     r3, #0x00800000
    mov     r12, #0
    mvn     lr, #0
.endm

/* What tanh_word leaves of a tanh becomes a sigmoid, (7); \a scratch. */
.macro sigmoid_word p, a
    mov     \a, #0x80008000
    shsub16 \p, \p, \a
.endm

    .section .text.gl_m4_tanh_row, "ax", %progbits
    .p2align 2
function gl_m4_tanh_row
    .cfi_startproc
    push    {r4-r8, lr}
    frame   24
    /* sigmoid_word's constant, or 0 */
    rsbs    r7, r3, #0
    tanh_constants
    and     r7, r7, #0x80008000
    .p2align 2
1:  ldr.w   r4, [r0]
    tanh_word r4, r5, r6, r8
    cbz     r7, 2f
    shsub16 r4, r4, r7
2:  str     r4, [r0], #4
    cmp     r0, r1
    blo     1b
    pop     {r4-r8, pc}
    .cfi_endproc
    .size   gl_m4_tanh_row, . - gl_m4_tanh_row

/* r0 layer, r1 table -> r0 row of pre-activations, r1 state, r2 table, r7 end of the row; r4-r6 model, record, arena. */
.macro rows_of_units
    ldmia   r0, {r4, r5, r6}
    mov     r2, r1
    ldr     r0, [r5, #GATELET_RECORD_SCRATCH]
    ldr     r1, [r5, #GATELET_RECORD_STATE]
    ldrh    r7, [r5, #GATELET_RECORD_OUTPUT_SIZE]
    add     r0, r0, r6
    add     r1, r1, r6
    add     r7, r0, r7, lsl #1
.endm

#if GL_HAS(MINIMAL_GRU)
    .section .text.gl_m4_forget_rows, "ax", %progbits
    .p2align 2
function gl_m4_forget_rows
    .cfi_startproc
    push    {r4-r10, lr}
    frame   32
    rows_of_units
    /* f * h behind the row, which is padded to 8 values */
    add     r8, r7, #14
    bic     r8, r8, #15
    tanh_constants
    .p2align 2
1:  ldr.w   r4, [r0]
    ldr     r9, [r1], #4
    qsub16  r5, r12, r4
    str     r5, [r0], #4
    tanh_word r4, r5, r6, r10
    sigmoid_word r4, r5
    mov     r5, #16384
    smlabb  r6, r4, r9, r5
    smlatt  r4, r4, r9, r5
    ssat    r6, #16, r6, asr #15
    ssat    r4, #16, r4, asr #15
    pkhbt   r6, r6, r4, lsl #16
    str     r6, [r8], #4
    cmp     r0, r7
    blo     1b
    pop     {r4-r10, pc}
    .cfi_endproc
    .size   gl_m4_forget_rows, . - gl_m4_forget_rows
#endif

#if GL_HAS(FASTGRNN)
/* on the stack: end of the row, multiplier, zeta, nu */
#define UNIT_END 0
#define UNIT_MULTIPLIER 4
#define UNIT_ZETA 8

    .section .text.gl_m4_fastgrnn, "ax", %progbits
    .p2align 2
function gl_m4_fastgrnn
    .cfi_startproc
    push    {r4-r11, lr}
    frame   36
    rows_of_units
    ldr.w   r11, [r5, #GATELET_RECORD_AUX]
    ldr.w   r8, [r5, #GATELET_RECORD_MULTIPLIER]
    ldrd    r9, r10, [r5, #GATELET_RECORD_MULTIPLIER_A]
    add     r11, r11, r4
    push    {r7-r10}
    frame   52
    tanh_constants
    .p2align 2
1:  ldr.w   r4, [r0]
    ldr     r5, [r11], #4
    ldr.w   r6, [sp, #UNIT_MULTIPLIER]
    /* r5: p of the gates */
    lsl     r7, r4, #16
    pkhtb   r8, r4, r12
    smmulr  r7, r7, r6
    smmulr  r8, r8, r6
    ssat    r7, #16, r7
    ssat    r8, #16, r8
    pkhbt   r7, r7, r8, lsl #16
    qadd16  r5, r5, r7
    tanh_word r4, r6, r7, r8
    tanh_word r5, r6, r7, r8
    sigmoid_word r5, r6
    /* r4: candidates, r5: z, r6, r7: k */
    ldrd    r8, r9, [sp, #UNIT_ZETA]
    uxth    r6, r5
    lsrs    r7, r5, #16
    mov     r10, #16384
    rsb     r6, r6, #32768
    rsb     r7, r7, #32768
    mla     r6, r6, r8, r10
    mla     r7, r7, r8, r10
    ldr     r8, [r1], #4
    add     r6, r9, r6, asr #15
    add     r7, r9, r7, asr #15
    smlabb  r9, r5, r8, r10
    smlatt  r5, r5, r8, r10
    smlabb  r6, r6, r4, r9
    smlabt  r7, r7, r4, r5
    ldr.w   r5, [sp, #UNIT_END]
    ssat    r6, #16, r6, asr #15
    ssat    r7, #16, r7, asr #15
    pkhbt   r6, r6, r7, lsl #16
    str     r6, [r0], #4
    cmp     r0, r5
    blo     1b
    add     sp, sp, #16
    frame   36
    pop     {r4-r11, pc}
    .cfi_endproc
    .size   gl_m4_fastgrnn, . - gl_m4_fastgrnn
#endif
