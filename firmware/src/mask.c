/* Mask codes, KERNELS.md 5, and the kernel MASK. */

#include "internal.h"

#if GL_HAS(INPUT) || GL_HAS(MASK)
int gl_find_mask(const gl_layer *layer, const uint8_t *codes) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE), flags = GL_U8(layer, FLAGS);
  uint32_t differ = 0;
  for (uint32_t i = 0; i < n; i++) differ += layer->input[i] != gl_s16(codes + 2u * i);
  if ((flags & GATELET_FLAG_MASK_ANY) != 0u ? differ == n : differ != 0u) return GL_EMITS;
  if ((flags & GATELET_FLAG_MASK_ZERO) != 0u) memset(GL_ARENA(layer, OUTPUT), 0, gl_row_bytes(n));
  return GL_EMITS | GL_FOUND_MASK;
}
#endif

#if GL_HAS(MASK)
int gl_mask(const gl_layer *layer) {
  gl_copy_words(GL_ARENA(layer, OUTPUT), layer->input, gl_row_bytes(GL_U16(layer, OUTPUT_SIZE)));
  return gl_find_mask(layer, GL_TENSOR(layer, AUX));
}
#endif
