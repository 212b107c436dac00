/*
 * What is done behind a quad when it is no plain saturation, for all widths of weights: quads_cortex_m4.h branches here with
 * r2-r5 = q of the quad, r1 = out, r6 = its end, r7 = first part, r0 and r12 = weights and parameters of the next quad, Z and
 * lr by the flags. LSTM and GRU with sigmoid gates and tanh finish their units here: KERNELS.md (18) to (25).
 */
#include "quads_cortex_m4.h"

    .file   "gates_cortex_m4.S"

#define HAS_RESET (GL_HAS(GRU) || GL_HAS(GRU_RESET_AFTER))
#define HAS_CANDIDATE (HAS_RESET || GL_HAS(MINIMAL_GRU))

/* (4) for two arguments at once, in place: a, b become v(a), v(b). r8 table, k, l = 128 << 16, r6, r9 signs. */
.macro tanh_pair a, b, k, l
    asr     r6, \a, #31
    asr     r9, \b, #31
    eor     \a, \a, r6
    eor     \b, \b, r9
    sub     \a, \a, r6
    sub     \b, \b, r9
    bfi     \k, \a, #0, #7
    bfi     \l, \b, #0, #7
    lsr     \a, \a, #7
    lsr     \b, \b, #7
    ldr     \a, [r8, \a, lsl #2]
    ldr     \b, [r8, \b, lsl #2]
    smuad   \a, \a, \k
    smuad   \b, \b, \l
    eor     \a, r6, \a, asr #7
    eor     \b, r9, \b, asr #7
    sub     \a, \a, r6
    sub     \b, \b, r9
.endm

/* v of a tanh becomes a sigmoid, (7) */
.macro sigmoid_pair a, b
    add     \a, \a, #32768
    add     \b, \b, #32768
    asr     \a, \a, #1
    asr     \b, \b, #1
.endm

/* The quad's arguments, the table to r8 and what lies behind it to r10, k and l = 128 << 16. */
.macro arguments k, l
    ldrd    r8, r10, [r7, #GL_M4_TANH_TABLE]
    saturate_quad
    mov     \k, #0x00800000
    mov     \l, #0x00800000
.endm

/* Four reset gates. Leaves the flags alone. */
.macro reset_gates
    arguments r11, lr
    tanh_pair r2, r3, r11, lr
    tanh_pair r4, r5, r11, lr
    sigmoid_pair r2, r3
    sigmoid_pair r4, r5
.endm

/* (18) to (21): r2-r5 = q of i, f, g, o; next h at r1, which moves on; its end to r4 */
.macro lstm_unit
    arguments r11, lr
    tanh_pair r2, r3, r11, lr
    sigmoid_pair r2, r3
    tanh_pair r4, r5, r11, lr
    ldrsh   r9, [r10]
    ldr.w   r6, [r7, #GL_M4_CELL_SHIFT]
    ldr     lr, [r7, #GL_M4_CELL_SHIFT + 4]
    mul     r2, r2, r4
    asr     r2, r2, r6
    mla     r2, r3, r9, r2
    add     r5, r5, #32768
    add     r2, r2, #16384
    ssat    r2, #16, r2, asr #15
    strh    r2, [r10], #2
    lsl     r2, r2, #16
    smmulr  r2, r2, lr
    ssat    r2, #16, r2
    asr     r6, r2, #31
    eor     r2, r2, r6
    sub     r2, r2, r6
    lsr     r3, r2, #7
    bfi     r11, r2, #0, #7
    ldr     r2, [r8, r3, lsl #2]
    ldr.w   r4, [sp, #FRAME_END]
    asr     r5, r5, #1
    str     r10, [r7, #GL_M4_CELL]
    smuad   r2, r2, r11
    eor     r2, r6, r2, asr #7
    sub     r2, r2, r6
    mul     r2, r2, r5
    add     r2, r2, #16384
    ssat    r2, #16, r2, asr #15
    strh    r2, [r1], #2
.endm

/* (22): 4 reset gates become r * h at r1 */
.macro gru_reset
    ldrd    r6, r9, [r10], #8
    mov     lr, #16384
    smlabb  r2, r2, r6, lr
    smlabt  r3, r3, r6, lr
    smlabb  r4, r4, r9, lr
    smlabt  r5, r5, r9, lr
    ldr.w   r6, [sp, #FRAME_END]
    str     r10, [r7, #GL_M4_CELL]
    ssat    r2, #16, r2, asr #15
    ssat    r3, #16, r3, asr #15
    ssat    r4, #16, r4, asr #15
    ssat    r5, #16, r5, asr #15
    store_quad
.endm

/* (24) of two units: r2, r3 = saturated p of the candidates; p of z at r7, which takes the new h and moves on; h at r10. */
.macro gru_half
    tanh_pair r2, r3, r11, r12
    ldrsh   lr, [r7]
    ldrsh   r1, [r7, #2]
    tanh_pair lr, r1, r11, r12
    ldr     r6, [r10], #4
    sigmoid_pair lr, r1
    sxth    r9, r6
    sub     r9, r9, r2
    asr     r6, r6, #16
    sub     r6, r6, r3
    mul     r9, r9, lr
    mul     r6, r6, r1
    add     r9, r9, #16384
    add     r6, r6, #16384
    add     r2, r2, r9, asr #15
    add     r3, r3, r6, asr #15
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    pkhbt   r2, r2, r3, lsl #16
    str     r2, [r7], #4
.endm

/* r2-r5 = q of 4 candidates, to be saturated. Leaves out in r1, the end of out in r6. */
.macro gru_candidate
    str     r12, [r7, #GL_M4_PARAMS]
    arguments r11, r12
    mov.w   r7, r1
9:  gru_half
    /* once more with the other two units: out is a multiple of 8 */
    mov     r2, r4
    mov     r3, r5
    lsls.w  r6, r7, #29
    bmi.w   9b
    mov.w   r1, r7
    ldr     r7, [sp, #FRAME_FIRST]
    ldr     r6, [sp, #FRAME_END]
    str     r1, [sp, #FRAME_OUT]
    str     r10, [r7, #GL_M4_CELL]
    ldr.w   r12, [r7, #GL_M4_PARAMS]
.endm

/* (25): r2-r5 = q of 4 recurrent rows, become q of the candidates */
.macro after_state
    add     lr, r7, #GL_M4_AFTER_WAITING
    mov     r11, #8192
    ldmia   lr!, {r6, r8, r9, r10}
    mla     r2, r2, r6, r11
    mla     r3, r3, r8, r11
    mla     r4, r4, r9, r11
    mla     r5, r5, r10, r11
    ldmia   lr, {r6, r8, r9, r10}
    asr     r2, r2, #14
    asr     r3, r3, #14
    asr     r4, r4, #14
    asr     r5, r5, #14
    add     r2, r2, r6, lsl #1
    add     r3, r3, r8, lsl #1
    add     r4, r4, r9, lsl #1
    add     r5, r5, r10, lsl #1
.endm

    .section .text.gl_m4_special, "ax", %progbits
    .p2align 2
function gl_m4_special
    part_of_quads
#if GL_HAS(LSTM)
    bne.w   1f
    lstm_unit
    str     r1, [sp, #FRAME_OUT]
    cmp     r1, r4
    bne.w   gl_m4_both
    b.w     gl_m4_end
    .p2align 2
1:
#endif
#if HAS_CANDIDATE
    /* C of AFTER_RESET and, with bit 0 clear, GRU_CANDIDATE */
    lsls    r8, lr, #31
    bpl.w   6f
#endif
#if HAS_RESET
    tst     lr, #GL_M4_OTHERS
    bne.w   2f
    reset_gates
#if GL_HAS(GRU_RESET_AFTER)
#if GL_HAS(GRU)
    bcc.w   7f
#endif
    /* r waits; then the quad of the input alone is next */
    add     lr, r7, #GL_M4_AFTER_WAITING
    adds    r7, r7, #GL_M4_AFTER_INPUT_PART
    stmia   lr, {r2-r5}
    b.n     4f
#endif
#if GL_HAS(GRU)
    .p2align 2
7:  gru_reset
    bne.w   gl_m4_both
    b.w     gl_m4_end
#endif
    .p2align 2
2:
#endif
    lsls    r8, lr, #26
    bcs.w   5f
    bpl.w   3f
    stmia   r1!, {r2-r5}
    str     r1, [sp, #FRAME_OUT]
    cmp     r1, r6
    beq.w   gl_m4_end
4:  ldr     r2, [sp, #FRAME_ALONE]
    bx      r2
    .p2align 2
3:
#if GL_HAS(GRU_RESET_AFTER)
    /* 4 input rows wait; then the quad of the state alone is next */
    add     lr, r7, #GL_M4_AFTER_WAITING + 16
    adds    r7, r7, #GL_M4_AFTER_STATE_PART
    stmia   lr, {r2-r5}
    b.n     4b
#endif
    .p2align 2
5:
#if GL_HAS(GRU_RESET_AFTER)
    bpl.w   8f
#endif
#if GL_HAS(RNN)
    relu_quad
    b.w     gl_m4_saturate
#endif
#if HAS_CANDIDATE
    .p2align 2
8:
#if GL_HAS(GRU_RESET_AFTER)
    after_state
#endif
6:  gru_candidate
    cmp     r1, r6
    bne.w   gl_m4_both
    b.w     gl_m4_end
#endif
    .cfi_endproc
    .size   gl_m4_special, . - gl_m4_special
