/* What kernels do with whole rows at their ends. */
#include "internal.h"

void gl_copy_words(void *to, const void *from, uint32_t bytes) {
  uint8_t *out = (uint8_t *)__builtin_assume_aligned(to, 4);
  const uint8_t *in = (const uint8_t *)__builtin_assume_aligned(from, 4);
#if GL_DSP
  if (bytes >= 16u) {
    __asm__ volatile(
        "subs %2, #16\n1: ldmia %0!, {r3, r4, r5, r6}\n stmia %1!, {r3, r4, r5, r6}\n"
        " subs %2, #16\n bpl 1b\n adds %2, #16"
        : "+l"(in), "+l"(out), "+l"(bytes)
        :
        : "r3", "r4", "r5", "r6", "cc", "memory");
  }
#endif
  for (; bytes != 0u; bytes -= 4u, in += 4, out += 4) gl_set_u32(out, gl_u32(in));
}

int gl_emit_row(const gl_layer *layer) {
  gl_zero_tail(GL_ARENA(layer, OUTPUT), GL_U16(layer, OUTPUT_SIZE));
  return GL_EMITS;
}

int gl_keep_state(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_zero_tail(next, hidden);
  gl_copy_words(GL_ARENA(layer, STATE), next, gl_row_bytes(hidden));
  return GL_EMITS;
}
