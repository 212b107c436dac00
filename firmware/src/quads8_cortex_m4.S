/* Quads of 8-bit weights: quads_cortex_m4.h. A halfword is 256 B + A. r8, r10: raw sums; r9, r11: sums of the rows B and D. */
#include "quads_cortex_m4.h"

    .file   "quads8_cortex_m4.S"

/* Two columns of two rows: a word of weights, one of x. */
.macro pair8 word, x, raw, high
    smlad   \raw, \word, \x, \raw
    sxtb16  \word, \word, ror #8
    smlad   \high, \word, \x, \high
.endm

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
    pair8   r2, r6, r8, r9
    pair8   r3, r7, r8, r9
    pair8   r4, r6, r10, r11
    pair8   r5, r7, r10, r11
.endm

/* Biases go in first: A = raw - 256 B - 128 times the sum of the columns. */
.macro alone8
    ldmia   r7, {r1-r4, lr}
    /* rows_cortex_m4.S enters here with these */
function gl_m4_alone8_begun
    ldmia   r12!, {r8-r11}
    add     r8, r8, r4
    add     r10, r10, r4
    add     r8, r8, r9, lsl #8
    add     r10, r10, r11, lsl #8
.endm

.macro next8
    .set    .Lnext8, .Lalone8
.endm

.macro half8
    ldr.w   r2, [r0, #(16 * 8 + 4)]
    ldr.w   r4, [r0, #(16 * 8 + 12)]
    ldr     r6, [r1, #(8 * 8 + 4)]
    ldr     r5, [r7, #GL_M4_BEHIND_HALF]
    pair8   r2, r6, r8, r9
    pair8   r4, r6, r10, r11
    bx      r5
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

/*
 * void gl_m4_row(const gl_layer *layer, const int16_t *x, uint32_t columns, uint32_t sum, gl_alone *alone)
 *   The quads of a whole row over one part: Dense, and Conv1D over its window. sum is that of the columns.
 * uint32_t gl_m4_conv1d(const gl_layer *layer, gl_alone *alone)
 *   Conv1D without dilation takes a row: 0 where no row is due, else anything but 0, and the quads are done.
 */
#if GL_HAS(DENSE) || GL_HAS(CONV1D)
/* Of a label of the quads: near, or in the other file. */
.macro address register, name, bits
  .if \bits == 8
    adr.w   \register, .L\name\bits + 1
  .else
    movw    \register, #:lower16:gl_m4_\name\bits
    movt    \register, #:upper16:gl_m4_\name\bits
  .endif
.endm

/* r2 units, r4 minus the sum -> the part but its entry (r3 that of 8 units), r5 units of the first round to jump over */
.macro part_of_row bits, unit_bytes_log2
#if HAS_HALVES
    add     r2, r2, r6
#endif
    rsb     r5, r2, #0
    and     r5, r5, #7
    adds    r2, r2, r5
    subs    r2, r2, #8
    sub     r1, r1, r5, lsl #3
    orr     lr, r0, r2, lsl #5
    subs    r1, r1, #4
    lsls    r2, r5, #\unit_bytes_log2
#if HAS_HALVES
    add     r2, r2, r6, lsl #\unit_bytes_log2
#endif
    sub     r0, r8, #4
#if HAS_HALVES
    add     r0, r0, r6, lsl #\unit_bytes_log2
#endif
    lsl.w   r4, r4, #(\bits - 1)
    address r3, loop, \bits
.endm

.macro begin_row bits
    address r11, next, \bits
#if HAS_HALVES
    cbz     r6, 8f
    str     r3, [r7, #GL_M4_BEHIND_HALF]
    address r3, half, \bits
8:
#endif
    push    {r7, r11}
    push    {r9, r10}
    frame   QUADS_FRAME
.endm

    .p2align 2
#if GL_HAS(CONV1D)
function gl_m4_conv1d
    .cfi_startproc
    push    {r0, r1, r4-r11, lr}
    frame   44
    ldmia   r0, {r4, r5, r6, r8, r9}
    ldrh    r2, [r5, #GATELET_RECORD_INPUT_SIZE]
    ldr     r0, [r5, #GATELET_RECORD_STATE]
    ldrh.w  r3, [r5, #GATELET_RECORD_TAPS]
    mov.w   r12, #0x00010001
    /* r0 history, r2 words of a row, r10 second row, r3 words behind it; r8 becomes the sum */
    adds    r2, r2, #1
    lsrs    r2, r2, #1
    subs    r3, r3, #1
    muls    r3, r2, r3
    add     r0, r0, r6
    mov     r1, r0
    mov     r8, #0
    add     r10, r0, r2, lsl #2
    subs    r3, r3, #4
    blo.n   2f
1:  ldmia   r10!, {r4, r6, r7, r11}
    subs.w  r3, r3, #4
    smlad   r8, r4, r12, r8
    smlad   r8, r6, r12, r8
    smlad   r8, r7, r12, r8
    smlad   r8, r11, r12, r8
    stmia   r0!, {r4, r6, r7, r11}
    bhs     1b
2:  adds    r3, r3, #4
    beq.n   4f
3:  ldr     r4, [r10], #4
    subs    r3, r3, #1
    str     r4, [r0], #4
    smlad   r8, r4, r12, r8
    bne     3b
    /* the new row */
    .p2align 2
4:  ldr     r4, [r9], #4
    subs    r2, r2, #1
    str     r4, [r0], #4
    smlad   r8, r4, r12, r8
    bne     4b
    pop     {r4, r7}
    frame   36
    subs    r2, r0, r1
    ldr     r6, [r4, #GL_LAYER_COUNTERS]
    lsrs    r2, r2, #1
    ldrh    r0, [r6, #GATELET_COUNTER_WAIT]
    subs    r0, r0, #1
    bne.n   5f
    ldrh.w  r0, [r5, #GATELET_RECORD_STRIDE]
    mov     r3, r8
    strh    r0, [r6, #GATELET_COUNTER_WAIT]
    ldr     r6, [r4, #GL_LAYER_ARENA]
    ldr     r4, [r4, #GL_LAYER_MODEL]
    b.n     6f
5:  strh    r0, [r6, #GATELET_COUNTER_WAIT]
    movs    r0, #0
    pop     {r4-r11, pc}
    .cfi_endproc
#endif

    .p2align 2
function gl_m4_row
    .cfi_startproc
    push    {r4-r11, lr}
    frame   36
    ldmia   r0, {r4, r5, r6}
    ldr.w   r7, [sp, #36]
    /* r4 model, r5 record, r6 arena, r7 alone, r1 x, r2 columns, r3 sum */
6:  ldr.w   r8, [r5, #GATELET_RECORD_WEIGHTS]
    ldr.w   r12, [r5, #GATELET_RECORD_ROW_PARAMS]
    ldr.w   r9, [r5, #GATELET_RECORD_OUTPUT]
    ldrh.w  r10, [r5, #GATELET_RECORD_OUTPUT_SIZE]
    ldrb    r0, [r5, #GATELET_RECORD_ACTIVATION]
    ldrb.w  lr, [r5, #GATELET_RECORD_FLAGS]
    ldrb.w  r5, [r5, #GATELET_RECORD_BITS]
    add     r8, r8, r4
    add     r12, r12, r4
    add     r9, r9, r6
    add     r10, r10, #3
    bic     r10, r10, #3
    /* flags of the rounds word to r0; the end of out */
    subs    r0, r0, #GATELET_ACTIVATION_RELU
    it      ne
    movne   r0, #GL_M4_ALONE
    tst     lr, #GATELET_FLAG_OUT32
    itt     ne
    movne   r0, #GL_M4_WIDE
    lslne   r10, r10, #1
    add     r10, r9, r10, lsl #1
    /* units, of 8 in a round; r6 = -1 where half a unit is enough at the end of a single round */
    adds    r2, r2, #3
    lsrs    r2, r2, #2
#if HAS_HALVES
    sbcs    r6, r6
#endif
    negs    r4, r3
#if HAS_HALVES
    sub     r11, r2, #2
    cmp     r11, #6
    it      hi
    movhi   r6, #0
#endif
#if GATELET_INT4
    cmp     r5, #8
    bne.n   7f
#endif
    part_of_row 8, 4
    rsb     r5, r5, r5, lsl #4
    add     r3, r3, r5, lsl #2
    .cfi_remember_state
    begin_row 8
    stmia   r7, {r1-r4, lr}
    b.w     gl_m4_alone8_begun
    .cfi_restore_state
#if GATELET_INT4
    .p2align 2
7:
#if HAS_HALVES
    lsls    r5, r2, #31
    it      ne
    movne   r6, #0
#endif
    adds    r2, r2, #1
    bic     r2, r2, #1
    part_of_row 4, 3
    add     r3, r3, r5, lsl #6
    begin_row 4
    /* the sums of every quad begin as alone4 makes them */
    mov     r10, r4
    mov     r11, #0
    lsl     r9, r4, #4
    add     r8, r4, r4, lsl #8
    add     r8, r8, r9
    stmia   r7, {r1-r3, r8-r11, lr}
    b.w     gl_m4_next4_begun
#endif
    .cfi_endproc
    .size   gl_m4_row, . - gl_m4_row
#endif

    /* a quad over two parts begins, of any width: r7 = first part, r12 = parameters */
    .section .text.gl_m4_both, "ax", %progbits
    .p2align 2
function gl_m4_both
    part_of_quads
    ldmia   r7, {r1-r4, lr}
    mov     r8, #0
    mov     r9, #0
    mov     r10, #0
    mov     r11, #0
    add     r12, r12, r4
    subs    r0, r0, r2
    bx      r3
    .cfi_endproc
    .size   gl_m4_both, . - gl_m4_both
