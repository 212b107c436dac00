/* Inside of the library: reading bytes, integer helpers, and what kernels and executor share. Not for users. */
#ifndef GATELET_INTERNAL_H
#define GATELET_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gatelet.h"
#include "gatelet_config.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "gatelet reads little-endian files in place and needs a little-endian machine"
#endif

#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__) && GATELET_CORTEX_M4
#define GL_DSP 1
#else
#define GL_DSP 0
#endif

#ifdef __cplusplus
#define GL_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define GL_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define GL_INLINE static inline __attribute__((always_inline))
/* keeps the frame of a function away from that of the kernels behind it */
#define GL_NOINLINE static __attribute__((noinline))
/* code of the usual case comes first */
#define GL_RARELY(condition) __builtin_expect((condition) != 0, 0)
/* one register holds this pointer, rather than several what it points to */
#define GL_OPAQUE(pointer) __asm__("" : "+r"(pointer))

/* two rounds of a loop at a time */
#if defined(__clang__)
#define GL_UNROLL_2 _Pragma("unroll 2")
#else
#define GL_UNROLL_2 _Pragma("GCC unroll 2")
#endif

/* ---- bytes: copies of fixed size, which the compiler makes plain loads and stores also with -ffreestanding ---- */

GL_INLINE uint32_t gl_u16(const uint8_t *at) {
  uint16_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

GL_INLINE int32_t gl_s16(const uint8_t *at) {
  int16_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

GL_INLINE uint32_t gl_u32(const uint8_t *at) {
  uint32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

GL_INLINE int32_t gl_s32(const uint8_t *at) {
  int32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

GL_INLINE int64_t gl_s64(const uint8_t *at) {
  int64_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

GL_INLINE void gl_set_u16(uint8_t *at, uint32_t value) {
  const uint16_t low = (uint16_t)value;
  __builtin_memcpy(at, &low, sizeof low);
}

GL_INLINE void gl_set_u32(uint8_t *at, uint32_t value) { __builtin_memcpy(at, &value, sizeof value); }

/* int16 in the file or the arena: 16-byte aligned like these themselves (checked) */
GL_INLINE const int16_t *gl_row_at(const uint8_t *at) { return (const int16_t *)(const void *)at; }

/* ---- integers of KERNELS.md 1 ---- */

GL_INLINE uint32_t gl_pad2(uint32_t n) { return (n + 1u) & ~1u; }
GL_INLINE uint32_t gl_pad4(uint32_t n) { return (n + 3u) & ~3u; }
GL_INLINE uint32_t gl_pad8(uint32_t n) { return (n + 7u) & ~7u; }
GL_INLINE uint32_t gl_pad16(uint32_t n) { return (n + 15u) & ~15u; }
GL_INLINE uint32_t gl_row_bytes(uint32_t n) { return 2u * gl_pad8(n); }

/* sums and products modulo 2^32 without signed overflow */
GL_INLINE int32_t gl_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
GL_INLINE int32_t gl_sub(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
GL_INLINE int32_t gl_mul(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }

/* (1) of a >> 15, the form that most updates end in */
GL_INLINE int32_t gl_sat16_shift15(int32_t a) {
#if GL_DSP
  int32_t result;
  __asm__("ssat %0, #16, %1, asr #15" : "=r"(result) : "r"(a) : "cc");
  return result;
#else
  a >>= 15;
  return a < -32768 ? -32768 : a > 32767 ? 32767 : a;
#endif
}

/* (1) */
GL_INLINE int32_t gl_sat16(int32_t a) {
#if GL_DSP
  int32_t result;
  __asm__("ssat %0, #16, %1" : "=r"(result) : "r"(a) : "cc");
  return result;
#else
  return a < -32768 ? -32768 : a > 32767 ? 32767 : a;
#endif
}

/* (2), 0 <= shift <= 30 */
GL_INLINE int32_t gl_rshr(int32_t a, uint32_t shift) { return gl_add(a, (int32_t)((1u << shift) >> 1)) >> shift; }

/* (3) */
GL_INLINE int32_t gl_mulh(int32_t a, int32_t m) {
#if GL_DSP
  int32_t result;
  __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(m));
  return result;
#else
  return (int32_t)(((int64_t)a * m + ((int64_t)1 << 31)) >> 32);
#endif
}

/* Selections without a branch, so that no time depends on data. Arguments: differences fit an int32. */
GL_INLINE int32_t gl_max(int32_t a, int32_t b) { return a - ((a - b) & ((a - b) >> 31)); }
GL_INLINE int32_t gl_min(int32_t a, int32_t b) { return b + ((a - b) & ((a - b) >> 31)); }
/* `yes` where mask is all ones, `no` where it is 0 */
GL_INLINE int32_t gl_select(int32_t mask, int32_t yes, int32_t no) { return no ^ ((no ^ yes) & mask); }

/* (x * M + B) >> s saturated, (32): entry = i64 B, i32 M, u32 s */
GL_INLINE int32_t gl_affine(int32_t x, const uint8_t *entry) {
  const uint64_t product = (uint64_t)((int64_t)x * gl_s32(entry + 8));
  const int64_t value = (int64_t)(product + (uint64_t)gl_s64(entry)) >> (gl_u32(entry + 12) & 63u);
  const int32_t low = (int32_t)value, high = (int32_t)(value >> 32);
  /* what does not fit int32 becomes its extreme, then 16 bits; lost: all ones where the high word is no sign extension */
  const uint32_t differs = (uint32_t)(high ^ (low >> 31));
  const int32_t lost = (int32_t)(differs | (0u - differs)) >> 31;
  return gl_sat16(gl_select(lost, (high >> 31) ^ 0x7fffffff, low));
}

/* ---- rows ---- */

/* Copies words, also where the destination lies below an overlapping source. 4-byte aligned, as `bytes` is. */
void gl_copy_words(void *to, const void *from, uint32_t bytes);

/* Section 1: lanes n .. pad8(n)-1 of a row are zero. */
GL_INLINE void gl_zero_tail(int16_t *row, uint32_t n) {
  for (; (n & 7u) != 0u; n++) row[n] = 0;
}

/* ---- activations ---- */

typedef struct gl_layer gl_layer;

extern const uint32_t *const gl_tanh_half;
extern const uint16_t *const gl_rsqrt;
extern const uint32_t *const gl_exp2;

/* Constant of (4) on Cortex-M4: 128 << 16; its low 7 bits are overwritten at every use. */
#define GL_TANH_PAIR 0x00800000u

/* (4): 2^15 tanh(p / 2), p in Q4.11. `pair` starts as GL_TANH_PAIR and is scratch. */
GL_INLINE int32_t gl_tanh_v(const uint32_t *table, int32_t p, uint32_t *pair) {
  const int32_t sign = p >> 31;
  const uint32_t a = (uint32_t)((p ^ sign) - sign);
  const uint32_t word = table[a >> 7];
#if GL_DSP
  int32_t y;
  __asm__("bfi %0, %1, #0, #7" : "+r"(*pair) : "r"(a));
  __asm__("smuad %0, %1, %2" : "=r"(y) : "r"(word), "r"(*pair));
  return ((y >> 7) ^ sign) - sign;
#else
  (void)pair;
  return ((int32_t)((word >> 16) + (((word & 0xffffu) * (a & 127u)) >> 7)) ^ sign) - sign;
#endif
}

/* (7) from (4) */
GL_INLINE int32_t gl_sigmoid_v(const uint32_t *table, int32_t p, uint32_t *pair) {
  return (gl_tanh_v(table, p, pair) + 32768) >> 1;
}

/*
 * act(kind, p) of KERNELS.md 2, in place: the layer's activation or that of its gates. The row has room for an even number of
 * values and is 4-byte aligned; behind an odd n one value more is undefined.
 */
void gl_activate(const gl_layer *layer, int is_gate, int16_t *row, uint32_t n);

#if GATELET_CORTEX_M4
void gl_m4_tanh_row(int16_t *row, const int16_t *end, const uint32_t *table, uint32_t is_sigmoid);
#endif

/* ---- layers ---- */

/* What a kernel gets of one layer. All addresses were checked when the model was. */
struct gl_layer {
  const uint8_t *model;
  const uint8_t *record;
  uint8_t *arena;
  /* the layer's counters, FORMAT.md 3 */
  uint8_t *counters;
  /* row of input0; NULL when the layer drains */
  const int16_t *input;
  /* whether that row is masked */
  uint32_t masked;
};

#define GL_U8(layer, field) ((uint32_t)(layer)->record[GATELET_RECORD_##field])
#define GL_U16(layer, field) gl_u16((layer)->record + GATELET_RECORD_##field)
#define GL_S16(layer, field) gl_s16((layer)->record + GATELET_RECORD_##field)
#define GL_U32(layer, field) gl_u32((layer)->record + GATELET_RECORD_##field)
#define GL_S32(layer, field) gl_s32((layer)->record + GATELET_RECORD_##field)
/* tensor in the file, place in the arena */
#define GL_TENSOR(layer, field) ((layer)->model + GL_U32(layer, field))
#define GL_ARENA(layer, field) ((int16_t *)(void *)((layer)->arena + GL_U32(layer, field)))

/* The usual LSTM or GRU, whose updates are inline. */
GL_INLINE int gl_is_sigmoid_tanh(const gl_layer *layer) {
  return GL_U8(layer, GATE_ACTIVATION) == GATELET_ACTIVATION_SIGMOID &&
         GL_U8(layer, ACTIVATION) == GATELET_ACTIVATION_TANH;
}

/* What kernels return: 0 or GL_EMITS, whether the row that left is masked or was when it came, or a status. */
#define GL_EMITS 1
#define GL_WAS_MASKED 2
#define GL_FOUND_MASK 4

/*
 * Kernels. They take the row `input` (`seen` is raised already) or, where it is NULL, drain one; FIFO and MERGE are called in
 * every tick. A new kernel: one line here and one in the table of step.c.
 */
int gl_input(const gl_layer *layer);
int gl_embedding(const gl_layer *layer);
int gl_rnn(const gl_layer *layer);
int gl_lstm(const gl_layer *layer);
/* MINIMAL_GRU too */
int gl_gru(const gl_layer *layer);
int gl_gru_reset_after(const gl_layer *layer);
int gl_fastgrnn(const gl_layer *layer);
int gl_dense(const gl_layer *layer);
int gl_conv1d(const gl_layer *layer);
int gl_depthwise_conv1d(const gl_layer *layer);
int gl_pool(const gl_layer *layer);
int gl_global_pool(const gl_layer *layer);
int gl_affine_row(const gl_layer *layer);
int gl_activation_row(const gl_layer *layer);
int gl_prelu(const gl_layer *layer);
int gl_layer_norm(const gl_layer *layer);
int gl_softmax(const gl_layer *layer);
int gl_merge(const gl_layer *layer);
int gl_fifo(const gl_layer *layer);
int gl_reverse(const gl_layer *layer);
int gl_reshape(const gl_layer *layer);
int gl_repeat(const gl_layer *layer);
int gl_mask(const gl_layer *layer);

/* GL_FOUND_MASK where the input equals the codes: all, or any with MASK_ANY; then with MASK_ZERO the output is zeroed. GL_EMITS. */
int gl_find_mask(const gl_layer *layer, const uint8_t *codes);
/* Zeroes the output row's tail; for kernels whose row left: GL_EMITS. */
int gl_emit_row(const gl_layer *layer);
/* The same with the scratch row, which becomes the state: the end of recurrent kernels. */
int gl_keep_state(const gl_layer *layer);

/* Counters of another layer; its record and row by its counters. */
GL_INLINE const uint8_t *gl_counters_of(const gl_layer *layer, uint32_t index) {
  return layer->arena + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * index;
}

GL_INLINE const uint8_t *gl_record_of(const gl_layer *layer, const uint8_t *counters) {
  return layer->record - (GATELET_RECORD_BYTES / GATELET_COUNTER_BYTES) * (layer->counters - counters);
}
GL_INLINE const int16_t *gl_row_of(const gl_layer *layer, const uint8_t *counters) {
  return gl_row_at(layer->arena + gl_u32(gl_record_of(layer, counters) + GATELET_RECORD_OUTPUT));
}

#ifdef __cplusplus
}
#endif

#endif
