/* What the executor and the files about stream state share. */
#ifndef GATELET_STREAM_INTERNAL_H
#define GATELET_STREAM_INTERNAL_H

#include "internal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Stream header, FORMAT.md 3. */
#define GL_TAG_AT 0
#define GL_FRAMES_AT 4

/* reset of KERNELS.md 6. */
void gl_reset(const gatelet_model *model, uint8_t *arena);

GL_INLINE int gl_is_bound(const gatelet_stream *stream) {
  return stream->model != NULL && stream->arena != NULL && gl_u32(stream->arena + GL_TAG_AT) == stream->model->crc;
}

/* D of KERNELS.md 5: rows of history of a windowed kernel. */
GL_INLINE uint32_t gl_history_rows(const uint8_t *record) {
  const uint32_t taps = gl_u16(record + GATELET_RECORD_TAPS);
  return GL_HAS(POOL) && record[GATELET_RECORD_KERNEL] == GATELET_KERNEL_POOL
             ? taps
             : (taps - 1u) * gl_u16(record + GATELET_RECORD_DILATION) + 1u;
}

GL_INLINE int gl_is_windowed(uint32_t kernel) {
  return (GL_HAS(CONV1D) && kernel == GATELET_KERNEL_CONV1D) ||
         (GL_HAS(DEPTHWISE_CONV1D) && kernel == GATELET_KERNEL_DEPTHWISE_CONV1D) ||
         (GL_HAS(POOL) && kernel == GATELET_KERNEL_POOL);
}

/* Goes on from all ones, and is inverted at the end. */
uint32_t gl_crc32_more(uint32_t crc, const uint8_t *bytes, uint32_t length);

GL_INLINE uint32_t gl_crc32(const uint8_t *bytes, uint32_t length) { return ~gl_crc32_more(0xffffffffu, bytes, length); }

#ifdef __cplusplus
}
#endif

#endif
