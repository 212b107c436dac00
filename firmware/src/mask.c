/* Mask codes, KERNELS.md 5, and the kernels that look for them: INPUT and MASK. */

#include "internal.h"

#if GL_HAS(INPUT) || GL_HAS(MASK)
/* Whether the input equals the codes: all, or any with MASK_ANY; then with MASK_ZERO the output is zeroed. */
static int find_mask(const gl_layer *layer, const uint8_t *codes) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE), flags = GL_U8(layer, FLAGS);
  uint32_t differ = 0;
  for (uint32_t i = 0; i < n; i++) differ += layer->input[i] != gl_s16(codes + 2u * i);
  if ((flags & GATELET_FLAG_MASK_ANY) != 0u ? differ == n : differ != 0u) return GL_EMITS;
  if ((flags & GATELET_FLAG_MASK_ZERO) != 0u) memset(GL_ARENA(layer, OUTPUT), 0, gl_row_bytes(n));
  return GL_EMITS | GL_FOUND_MASK;
}
#endif

#if GL_HAS(INPUT)
int gl_input(const gl_layer *layer) {
  const int result = gl_affine_row(layer);
  if ((GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_SET) == 0u) return result;
  return find_mask(layer, GL_TENSOR(layer, AUX) + GATELET_AFFINE_ENTRY_BYTES * GL_U16(layer, OUTPUT_SIZE));
}
#endif

#if GL_HAS(MASK)
int gl_mask(const gl_layer *layer) {
  gl_copy_words(GL_ARENA(layer, OUTPUT), layer->input, gl_row_bytes(GL_U16(layer, OUTPUT_SIZE)));
  return find_mask(layer, GL_TENSOR(layer, AUX));
}
#endif
