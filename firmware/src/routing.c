/* Rows that wait, turn round or repeat, KERNELS.md 5 "Routing": no arithmetic. */

#include "internal.h"

#if GL_HAS(FIFO)

/* slots of rows, then one mask byte per slot; counters: front = oldest slot, real = rows waiting */
static int push(const gl_layer *layer, uint8_t *slots, uint32_t bytes) {
  const uint32_t capacity = GL_U16(layer, TAPS);
  const uint32_t waiting = gl_u16(layer->counters + GATELET_COUNTER_REAL);
  uint32_t slot = waiting + gl_u16(layer->counters + GATELET_COUNTER_FRONT);
  if (waiting == capacity) return 0;
  if (slot >= capacity) slot -= capacity;
  gl_copy_words(slots + slot * bytes, layer->input, bytes);
  slots[capacity * bytes + slot] = (uint8_t)layer->masked;
  gl_set_u16(layer->counters + GATELET_COUNTER_REAL, waiting + 1u);
  return 1;
}

int gl_fifo(const gl_layer *layer) {
  const uint32_t capacity = GL_U16(layer, TAPS), bytes = gl_row_bytes(GL_U16(layer, INPUT_SIZE));
  uint8_t *slots = (uint8_t *)GL_ARENA(layer, STATE);
  if (layer->input != NULL && !push(layer, slots, bytes)) return GATELET_STATUS_SCHEDULE;
  if (gl_counters_of(layer, GL_U16(layer, INPUT_1))[GATELET_COUNTER_FRESH] == 0u) return 0;
  const uint32_t waiting = gl_u16(layer->counters + GATELET_COUNTER_REAL);
  const uint32_t front = gl_u16(layer->counters + GATELET_COUNTER_FRONT);
  if (waiting == 0u) return GATELET_STATUS_SCHEDULE;
  gl_copy_words(GL_ARENA(layer, OUTPUT), slots + front * bytes, bytes);
  gl_set_u16(layer->counters + GATELET_COUNTER_REAL, waiting - 1u);
  gl_set_u16(layer->counters + GATELET_COUNTER_FRONT, front + 1u == capacity ? 0u : front + 1u);
  return slots[capacity * bytes + front] != 0u ? GL_EMITS | GL_WAS_MASKED : GL_EMITS;
}
#endif

#if GL_HAS(REVERSE)
int gl_reverse(const gl_layer *layer) {
  const uint32_t rows = GL_U32(layer, ROWS_IN), bytes = gl_row_bytes(GL_U16(layer, INPUT_SIZE));
  const uint32_t seen = gl_u32(layer->counters + GATELET_COUNTER_SEEN);
  uint8_t *slots = (uint8_t *)GL_ARENA(layer, STATE);
  uint8_t *masks = slots + rows * bytes;
  if (layer->input != NULL) {
    gl_copy_words(slots + (seen - 1u) * bytes, layer->input, bytes);
    masks[seen - 1u] = (uint8_t)layer->masked;
    if (seen != rows) return 0;
  }
  /* a restored state may claim more rows than it has taken */
  const uint32_t emitted = gl_u32(layer->counters + GATELET_COUNTER_EMITTED);
  if (emitted == rows) return 0;
  const uint32_t slot = rows - 1u - emitted;
  gl_copy_words(GL_ARENA(layer, OUTPUT), slots + slot * bytes, bytes);
  return masks[slot] != 0u ? GL_EMITS | GL_WAS_MASKED : GL_EMITS;
}
#endif

#if GL_HAS(RESHAPE)
int gl_reshape(const gl_layer *layer) {
  const uint32_t n = GL_U16(layer, INPUT_SIZE), values = GL_U16(layer, OUTPUT_SIZE);
  const uint32_t seen = gl_u32(layer->counters + GATELET_COUNTER_SEEN);
  int16_t *stored = GL_ARENA(layer, STATE);
  if (layer->input != NULL) {
    memcpy(stored + (seen - 1u) * n, layer->input, 2u * n);
    if (seen != GL_U32(layer, ROWS_IN)) return 0;
  }
  const uint32_t emitted = gl_u32(layer->counters + GATELET_COUNTER_EMITTED);
  if (emitted == GL_U32(layer, ROWS_OUT)) return 0;
  int16_t *out = GL_ARENA(layer, OUTPUT);
  memcpy(out, stored + emitted * values, 2u * values);
  return gl_emit_row(layer);
}
#endif

#if GL_HAS(REPEAT)
int gl_repeat(const gl_layer *layer) {
  if (layer->input != NULL) gl_copy_words(GL_ARENA(layer, STATE), layer->input, gl_row_bytes(GL_U16(layer, INPUT_SIZE)));
  return GL_EMITS;
}
#endif
