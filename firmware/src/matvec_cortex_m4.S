/*
 * Quads of weights by a row of int16 for Cortex-M4 (ARMv7E-M), KERNELS.md 3: the raw-halfword trick, exact modulo 2^32.
 *
 *   void gl_m4_quads8(gl_matvec *m, void *out, const void *out_end)     8-bit weights
 *   void gl_m4_quads4(gl_matvec *m, void *out, const void *out_end)     4-bit weights
 *     Writes the quads that fill [out, out_end), one after the other: int16 x 4 saturated, or int32 x 4 where GL_M4_WIDE.
 *   uint32_t gl_m4_sum(const int16_t *x, uint32_t units, uint32_t sum)
 *     sum plus 4 * units values, modulo 2^32.
 *
 * A unit is 4 columns: 16 bytes of weights at 8 bits, 8 bytes at 4 bits. The loop does 8 units; a rest is done by jumping
 * into the first round, with both pointers stepped back. All units take the same time, nothing depends on data.
 *
 * Registers in the loop: r0 weights, r1 x, r2-r7 loaded words, r8-r11 accumulators, r12 temporary, lr rounds << 8 | flags.
 * Loads are grouped (k in a row take k + 1 cycles) and narrow, and narrow instructions come in even numbers, so that wide
 * ones stay word-aligned.
 */
#include "matvec_layout.h"
#include "gatelet_format.gen.h"

    .file   "matvec_cortex_m4.S"
    .syntax unified
    .cpu cortex-m4
    .thumb

#define HAS_FUSED_GRU (GL_HAS(GRU) || GL_HAS(GRU_RESET_AFTER) || GL_HAS(MINIMAL_GRU))
#define HAS_FUSED (GL_HAS(LSTM) || HAS_FUSED_GRU)

#define FRAME_TAIL 0
#define FRAME_OUT 4
#define FRAME_END 8

/* One unit at 8 bits: halfword = 256 B + A. r8, r10: raw sums; r9, r11: sums of the high bytes (rows B and D). */
.macro unit8 index, last=0
    ldr     r2, [r0, #(16 * \index)]
    ldr     r3, [r0, #(16 * \index + 4)]
    ldr     r4, [r0, #(16 * \index + 8)]
    ldr     r5, [r0, #(16 * \index + 12)]
    ldr     r6, [r1, #(8 * \index + 4)]
  .if \last
    ldr     r7, [r1, #(8 * \index + 8)]!
    adds    r0, r0, #(16 * \index + 16)
  .else
    ldr     r7, [r1, #(8 * \index + 8)]
  .endif
    sxtb16  r12, r2, ror #8
    smlad   r8, r2, r6, r8
    smlad   r9, r12, r6, r9
    sxtb16  r12, r3, ror #8
    smlad   r8, r3, r7, r8
    smlad   r9, r12, r7, r9
    sxtb16  r12, r4, ror #8
    smlad   r10, r4, r6, r10
    smlad   r11, r12, r6, r11
    sxtb16  r12, r5, ror #8
    smlad   r10, r5, r7, r10
    smlad   r11, r12, r7, r11
.endm

/* Half a block at 4 bits: halfword = 4096 D + 256 C + 16 B + A. r8: raw; r9: 16 B; r10: 16 D + C; r11: 16 D. */
.macro unit4 index, last=0
    ldr     r2, [r0, #(8 * \index)]
    ldr     r3, [r0, #(8 * \index + 4)]
    ldr     r6, [r1, #(8 * \index + 4)]
  .if \last
    ldr     r7, [r1, #(8 * \index + 8)]!
    adds    r0, r0, #(8 * \index + 8)
  .else
    ldr     r7, [r1, #(8 * \index + 8)]
  .endif
    sxtb16  r12, r2, ror #8
    smlad   r8, r2, r6, r8
    and     r2, r2, #0x00f000f0
    smlad   r10, r12, r6, r10
    bic     r12, r12, #0x000f000f
    smlad   r9, r2, r6, r9
    smlad   r11, r12, r6, r11
    sxtb16  r12, r3, ror #8
    smlad   r8, r3, r7, r8
    and     r3, r3, #0x00f000f0
    smlad   r10, r12, r7, r10
    bic     r12, r12, #0x000f000f
    smlad   r9, r3, r7, r9
    smlad   r11, r12, r7, r11
.endm

/* From the sums of a quad to rows A .. D in r8 .. r11; r2 = bias of the trick (128 or 8 times the sum of the columns). */
.macro unpack8
    sub     r8, r8, r9, lsl #8
    sub     r10, r10, r11, lsl #8
    sub     r8, r8, r2
    sub     r10, r10, r2
.endm

.macro unpack4
    sub     r8, r8, r10, lsl #8
    sub     r10, r10, r11
    sub     r8, r8, r9
    sub     r9, r9, r2, lsl #4
    sub     r10, r10, r2
    sub     r8, r8, r2
    asr     r9, r9, #4
    lsl     r10, r10, #4
    lsl     r8, r8, #4
    asr     r11, r11, #4
    asr     r10, r10, #4
    asr     r8, r8, #4
.endm

/*
 * LSTM behind its quad, KERNELS.md (18) to (21), for sigmoid gates and tanh: r2-r5 = q of i, f, g, o; r1 = next h, moves on.
 * r7 = tail. Uses all but r0 and r7.
 */

/* (4) for two arguments at once, in place: a, b become v(a), v(b). r8 table, r11, r12 = 128 << 16, r6, r9 signs. */
.macro tanh_pair a, b
    asr     r6, \a, #31
    asr     r9, \b, #31
    eor     \a, \a, r6
    eor     \b, \b, r9
    sub     \a, \a, r6
    sub     \b, \b, r9
    bfi     r11, \a, #0, #7
    bfi     r12, \b, #0, #7
    lsr     \a, \a, #7
    lsr     \b, \b, #7
    ldr     \a, [r8, \a, lsl #2]
    ldr     \b, [r8, \b, lsl #2]
    smuad   \a, \a, r11
    smuad   \b, \b, r12
    eor     \a, r6, \a, asr #7
    eor     \b, r9, \b, asr #7
    sub     \a, \a, r6
    sub     \b, \b, r9
.endm

.macro lstm_unit
    ldrd    r8, r10, [r7, #GL_M4_TANH_TABLE - GL_M4_TAIL]
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    ssat    r4, #16, r4
    ssat    r5, #16, r5
    mov     r11, #0x00800000
    mov     r12, #0x00800000
    tanh_pair r2, r3
    add     r2, r2, #32768
    add     r3, r3, #32768
    asr     r2, r2, #1
    asr     r3, r3, #1
    tanh_pair r4, r5
    ldrsh   r9, [r10]
    ldr.w   r6, [r7, #GL_M4_CELL_SHIFT - GL_M4_TAIL]
    ldr     lr, [r7, #GL_M4_CELL_SHIFT - GL_M4_TAIL + 4]
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
    str     r10, [r7, #GL_M4_CELL - GL_M4_TAIL]
    smuad   r2, r2, r11
    eor     r2, r6, r2, asr #7
    sub     r2, r2, r6
    mul     r2, r2, r5
    add     r2, r2, #16384
    ssat    r2, #16, r2, asr #15
    strh    r2, [r1], #2
.endm

/* GRU, reset before, KERNELS.md (22): r2-r5 = q of 4 reset gates become r * h at r1. */
.macro gru_reset
    ldrd    r8, r10, [r7, #GL_M4_TANH_TABLE - GL_M4_TAIL]
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    ssat    r4, #16, r4
    ssat    r5, #16, r5
    mov     r11, #0x00800000
    mov     r12, #0x00800000
    tanh_pair r2, r3
    tanh_pair r4, r5
    add     r2, r2, #32768
    add     r3, r3, #32768
    add     r4, r4, #32768
    add     r5, r5, #32768
    asr     r2, r2, #1
    asr     r3, r3, #1
    asr     r4, r4, #1
    asr     r5, r5, #1
    ldrd    r6, r9, [r10], #8
    mov     r12, #16384
    smlabb  r2, r2, r6, r12
    smlabt  r3, r3, r6, r12
    smlabb  r4, r4, r9, r12
    smlabt  r5, r5, r9, r12
    ssat    r2, #16, r2, asr #15
    ssat    r3, #16, r3, asr #15
    ssat    r4, #16, r4, asr #15
    ssat    r5, #16, r5, asr #15
    str     r10, [r7, #GL_M4_CELL - GL_M4_TAIL]
    pkhbt   r2, r2, r3, lsl #16
    pkhbt   r3, r4, r5, lsl #16
    stmia   r1!, {r2, r3}
.endm

/* (24) of two units: a, b = saturated p of the candidates; p of z at r7, which takes the new h and moves on; h at r10. */
.macro gru_half a, b
    tanh_pair \a, \b
    ldrsh   lr, [r7]
    ldrsh   r1, [r7, #2]
    tanh_pair lr, r1
    ldr     r6, [r10], #4
    add     lr, lr, #32768
    add     r1, r1, #32768
    asr     lr, lr, #1
    asr     r1, r1, #1
    sxth    r9, r6
    sub     r9, r9, \a
    asr     r6, r6, #16
    sub     r6, r6, \b
    mul     r9, r9, lr
    mul     r6, r6, r1
    add     r9, r9, #16384
    add     r6, r6, #16384
    add     \a, \a, r9, asr #15
    add     \b, \b, r6, asr #15
    ssat    \a, #16, \a
    ssat    \b, #16, \b
    pkhbt   \a, \a, \b, lsl #16
    str     \a, [r7], #4
.endm

/* r2-r5 = q of 4 candidates, to be saturated. Leaves out in r1, the end of out in r6. */
.macro gru_candidate
    ldrd    r8, r10, [r7, #GL_M4_TANH_TABLE - GL_M4_TAIL]
    mov.w   r7, r1
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    ssat    r4, #16, r4
    ssat    r5, #16, r5
    mov     r11, #0x00800000
    mov     r12, #0x00800000
    gru_half r2, r3
    gru_half r4, r5
    mov.w   r1, r7
    ldr     r7, [sp, #FRAME_TAIL]
    ldr     r6, [sp, #FRAME_END]
    str     r1, [sp, #FRAME_OUT]
    str     r10, [r7, #GL_M4_CELL - GL_M4_TAIL]
.endm

#define AFTER_AT(word) (GL_M4_AFTER - GL_M4_TAIL + 4 * (word))

/* GRU, reset after: r2-r5 = q of 4 reset gates; r waits. Then the quad of the input alone is next. */
.macro after_reset
    ldr     r8, [r7, #GL_M4_TANH_TABLE - GL_M4_TAIL]
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    ssat    r4, #16, r4
    ssat    r5, #16, r5
    mov     r11, #0x00800000
    mov     r12, #0x00800000
    tanh_pair r2, r3
    tanh_pair r4, r5
    add     r2, r2, #32768
    add     r3, r3, #32768
    add     r4, r4, #32768
    add     r5, r5, #32768
    asr     r2, r2, #1
    asr     r3, r3, #1
    asr     r4, r4, #1
    asr     r5, r5, #1
    add     r12, r7, #AFTER_AT(10)
    add     r6, r7, #AFTER_AT(0)
    stmia   r12, {r2-r5}
    ldmia   r6, {r1-r4, lr}
    str.w   r4, [r7]
.endm

/* r2-r5 = q of 4 input rows, which wait. Then the quad of the state alone is next. */
.macro after_input
    add     r12, r7, #AFTER_AT(14)
    add     r6, r7, #AFTER_AT(5)
    stmia   r12, {r2-r5}
    ldmia   r6, {r1-r4, lr}
    str.w   r4, [r7]
.endm

/* r2-r5 = q of 4 recurrent rows: (25), unsaturated. Weights and parameters go on behind the next update gates. */
.macro after_state
    add     r12, r7, #AFTER_AT(10)
    mov     r11, #8192
    ldmia   r12!, {r6, r8, r9, r10}
    mla     r2, r2, r6, r11
    mla     r3, r3, r8, r11
    mla     r4, r4, r9, r11
    mla     r5, r5, r10, r11
    ldmia   r12, {r6, r8, r9, r10}
    asr     r2, r2, #14
    asr     r3, r3, #14
    asr     r4, r4, #14
    asr     r5, r5, #14
    add     r2, r2, r6, lsl #1
    add     r3, r3, r8, lsl #1
    add     r4, r4, r9, lsl #1
    add     r5, r5, r10, lsl #1
    ldr.w   r6, [r7, #4]
    ldr     r8, [r7, #AFTER_AT(18)]
    ldr     r9, [r7, #AFTER_AT(19)]
    add     r6, r6, #GATELET_ROW_PARAM_BYTES
    str.w   r6, [r7, #4]
    str     r8, [r7]
    add     r0, r0, r9
.endm

.macro quads name, unit, unpack
    .section .text.\name, "ax", %progbits
    .p2align 4
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    push    {r4-r11, lr}
    adds    r0, r0, #GL_M4_TAIL
    mov     r7, r0
    push    {r0, r1, r2}
    ldr     r0, [r7, #(GL_M4_WEIGHTS - GL_M4_TAIL)]
    b       3f

    /* the second part: the first one's sums move left by alignShift, the loop runs once more */
2:  ldr     r7, [sp, #FRAME_TAIL]
    ldr     r4, [r7, #(GL_M4_SECOND - GL_M4_TAIL)]
    ldr     r1, [r7, #(GL_M4_SECOND + 4 - GL_M4_TAIL)]
    ldr     r2, [r7, #(GL_M4_SECOND + 8 - GL_M4_TAIL)]
    ldr     r3, [r7, #(GL_M4_SECOND + 12 - GL_M4_TAIL)]
    ldr     lr, [r7, #(GL_M4_SECOND + 16 - GL_M4_TAIL)]
    lsl     r8, r8, r4
    lsl     r9, r9, r4
    lsl     r10, r10, r4
    lsl     r11, r11, r4
    subs    r0, r0, r2
    bx      r3

    /* a quad begins; r7 = &tail, the first part lies right before it */
    .p2align 2
3:  ldmdb   r7, {r1, r2, r3, lr}
4:  mov.w   r8, #0
    mov     r9, #0
    mov     r10, #0
    mov     r11, #0
    subs    r0, r0, r2
    bx      r3

    .p2align 4
    .global \name\()_loop
    .type   \name\()_loop, %function
    .thumb_func
\name\()_loop:
    \unit   0
    \unit   1
    \unit   2
    \unit   3
    \unit   4
    \unit   5
    \unit   6
    \unit   7, 1
    subs    lr, lr, #256
    bpl.w   \name\()_loop
    /* N: another part follows; C: finished in place; not Z: results are not plainly saturated */
    lsls    r2, lr, #29
    bmi     2b
    ldr     r7, [sp, #FRAME_TAIL]
    ldr     r1, [sp, #FRAME_OUT]
    ldmia   r7, {r2, r6, r12}
    \unpack
    ldmia   r6!, {r2-r5}
    add     r8, r8, r2
    add     r9, r9, r3
    add     r10, r10, r4
    add     r11, r11, r5
    ldmia.w r6!, {r2-r5}
    add     r6, r6, r12
    smmulr  r2, r8, r2
    smmulr  r3, r9, r3
    smmulr  r4, r10, r4
    smmulr  r5, r11, r5
    str     r6, [r7, #4]
#if HAS_FUSED
    bcs.w   gl_m4_fused
#endif
    bne     5f
    ssat    r2, #16, r2
    ssat    r3, #16, r3
    ssat    r4, #16, r4
    ssat    r5, #16, r5
    pkhbt   r2, r2, r3, lsl #16
    pkhbt   r3, r4, r5, lsl #16
    stmia   r1!, {r2, r3}
6:  ldr     r6, [sp, #FRAME_END]
    str     r1, [sp, #FRAME_OUT]
    cmp     r1, r6
    bne.w   3b
9:  str     r0, [r7, #(GL_M4_WEIGHTS - GL_M4_TAIL)]
    add     sp, sp, #12
    pop     {r4-r11, pc}
    .p2align 2
5:  tst     lr, #GL_M4_WIDE
    bne.w   7f
    usat    r2, #15, r2
    usat    r3, #15, r3
    usat    r4, #15, r4
    usat    r5, #15, r5
    pkhbt   r2, r2, r3, lsl #16
    pkhbt   r3, r4, r5, lsl #16
    stmia   r1!, {r2, r3}
    ldr     r6, [sp, #FRAME_END]
    str     r1, [sp, #FRAME_OUT]
    cmp     r1, r6
    bne.w   3b
    b       9b
7:  stmia   r1!, {r2-r5}
    b       6b
    .size   \name, . - \name
.endm

/*
 * What finishes units in place, for both widths of weights: it goes on at the head of the 8-bit quads, which is that of the
 * 4-bit ones as well.
 */
.macro fused
    .p2align 2
    .global gl_m4_fused
    .type   gl_m4_fused, %function
    .thumb_func
gl_m4_fused:
#if HAS_FUSED_GRU
    bne.w   10f
#endif
#if GL_HAS(LSTM)
    lstm_unit
    str     r1, [sp, #FRAME_OUT]
    cmp     r1, r4
    bne.w   3b
    b       9b
#endif
#if HAS_FUSED_GRU
    .p2align 2
10: lsls    r8, lr, #31
    bpl.w   12f
#if GL_HAS(GRU_RESET_AFTER)
#if GL_HAS(GRU)
    bcc.w   13f
#endif
    lsls    r8, lr, #27
    bcs.w   14f
    bmi.w   15f
    after_reset
    b.w     4b
    .p2align 2
15: after_input
    b.w     4b
#endif
#if GL_HAS(GRU)
    .p2align 2
13: gru_reset
    b       6b
#endif
#if GL_HAS(GRU_RESET_AFTER)
    .p2align 2
14: after_state
#endif
12: gru_candidate
    cmp     r1, r6
    bne.w   3b
    b       9b
#endif
    .size   gl_m4_fused, . - gl_m4_fused
.endm

    quads   gl_m4_quads8, unit8, unpack8
#if HAS_FUSED
    fused
#endif
#if GATELET_INT4
    quads   gl_m4_quads4, unit4, unpack4
#endif

    .section .text.gl_m4_sum, "ax", %progbits
    .p2align 2
    .global gl_m4_sum
    .type   gl_m4_sum, %function
    .thumb_func
gl_m4_sum:
    push    {r4-r8, lr}
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
    .size   gl_m4_sum, . - gl_m4_sum
