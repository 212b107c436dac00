/* What the files of the checker share. */
#ifndef GATELET_CHECK_H
#define GATELET_CHECK_H

#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The file while it is being checked. */
typedef struct gl_check_context {
  const uint8_t *bytes;
  const uint8_t *records;
  uint32_t record_count;
  uint32_t window;
  uint32_t state_bytes;
  uint32_t arena_bytes;
  /* TENSORS section */
  uint32_t tensors_begin;
  uint32_t tensors_end;
  /* end of the last kernel state so far */
  uint32_t state_end;
} gl_check_context;

/* Bytes that a record needs, FORMAT.md 5. */
typedef struct gl_needs {
  uint32_t state, scratch, weights, quads, aux;
} gl_needs;

GL_INLINE const uint8_t *gl_record_at(const gl_check_context *c, uint32_t index) {
  return c->records + GATELET_RECORD_BYTES * index;
}

GL_INLINE uint32_t gl_output_bytes(const uint8_t *record) {
  const uint32_t n = gl_u16(record + GATELET_RECORD_OUTPUT_SIZE);
  return (record[GATELET_RECORD_FLAGS] & GATELET_FLAG_OUT32) != 0u ? 4u * gl_pad4(n) : gl_row_bytes(n);
}

/* Kernels whose output row is their state. */
GL_INLINE int gl_is_state_output(uint32_t kernel) {
  return (kernel >= GATELET_KERNEL_RNN && kernel <= GATELET_KERNEL_GRU_RESET_AFTER) || kernel == GATELET_KERNEL_REPEAT;
}

/* Sizes of a record whose fields are in range. */
gl_needs gl_needs_of(const uint8_t *record);
/* Fields and sizes of one record; those before it are checked. */
int32_t gl_check_record(const gl_check_context *c, uint32_t index);
/* Tensors and arena addresses of one record; moves state_end on. */
int32_t gl_check_places(gl_check_context *c, uint32_t index);
/* Liveness rule of FORMAT.md 3. */
int32_t gl_check_liveness(const gl_check_context *c);

#ifdef __cplusplus
}
#endif

#endif
