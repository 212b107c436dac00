/*
 * The loops over quads in portable C, KERNELS.md 3. They use the raw-halfword trick too: one load and one shift serve two
 * rows. All sums are unsigned, modulo 2^32; a product of two int16 always fits an int32.
 */
#include "matvec.h"

#if !GATELET_CORTEX_M4

typedef struct gl_sums {
  uint32_t a, b, c, d;
} gl_sums;

GL_INLINE uint32_t product(int32_t weight, int32_t x) { return (uint32_t)(weight * x); }

/* Halves of a word, signed: two columns at a time, which compilers turn into multiplications of halves. */
GL_INLINE int32_t low(uint32_t word) { return (int16_t)word; }
GL_INLINE int32_t high(uint32_t word) { return (int32_t)word >> 16; }

GL_INLINE uint32_t two_columns(const int16_t *x) {
  uint32_t word;
  __builtin_memcpy(&word, x, sizeof word);
  return word;
}

/* 8 bits, two columns: a, c: sums of 256 B + A, 256 D + C; b, d: sums of B, D. */
#define COLUMNS8(j)                                                                              \
  do {                                                                                           \
    const uint32_t xx = two_columns(x + (j)), ab = gl_u32(weights + 2 * (j)), cd = gl_u32(weights + 8 + 2 * (j)); \
    a += product(low(ab), low(xx));                                                              \
    b += product((int8_t)(ab >> 8), low(xx));                                                    \
    c += product(low(cd), low(xx));                                                              \
    d += product((int8_t)(cd >> 8), low(xx));                                                    \
    a += product(high(ab), high(xx));                                                            \
    b += product((int32_t)ab >> 24, high(xx));                                                   \
    c += product(high(cd), high(xx));                                                            \
    d += product((int32_t)cd >> 24, high(xx));                                                   \
  } while (0)

static const uint8_t *unit_sums8(const uint8_t *weights, const gl_part *part, gl_sums *sums) {
  uint32_t a = sums->a, b = sums->b, c = sums->c, d = sums->d;
  const int16_t *x = part->x;
  const int16_t *end = x + 4u * part->units;
  GL_UNROLL_2
  for (; x != end; x += 4, weights += 16) {
    COLUMNS8(0);
    COLUMNS8(2);
  }
  sums->a = a, sums->b = b, sums->c = c, sums->d = d;
  return weights;
}

#if GATELET_INT4
/* 4 bits, two columns: a: sums of the whole halfword, b, c, d: of it shifted right by 4, 8 and 12. */
#define COLUMNS4(j)                                                                   \
  do {                                                                                \
    const uint32_t xx = two_columns(x + (j)), word = gl_u32(weights + 2 * (j));       \
    a += product(low(word), low(xx));                                                 \
    b += product(low(word) >> 4, low(xx));                                            \
    c += product((int8_t)(word >> 8), low(xx));                                       \
    d += product(low(word) >> 12, low(xx));                                           \
    a += product(high(word), high(xx));                                               \
    b += product((int32_t)word >> 20, high(xx));                                      \
    c += product((int32_t)word >> 24, high(xx));                                      \
    d += product((int32_t)word >> 28, high(xx));                                      \
  } while (0)

static const uint8_t *unit_sums4(const uint8_t *weights, const gl_part *part, gl_sums *sums) {
  uint32_t a = sums->a, b = sums->b, c = sums->c, d = sums->d;
  const int16_t *x = part->x;
  const int16_t *end = x + 4u * part->units;
  GL_UNROLL_2
  for (; x != end; x += 4, weights += 8) {
    COLUMNS4(0);
    COLUMNS4(2);
  }
  sums->a = a, sums->b = b, sums->c = c, sums->d = d;
  return weights;
}
#endif

static const uint8_t *part_sums(const gl_matvec *m, const gl_part *part, const uint8_t *weights, gl_sums *sums) {
#if GATELET_INT4
  if (m->bits == 4u) return unit_sums4(weights, part, sums);
#endif
  (void)m;
  return unit_sums8(weights, part, sums);
}

/* (14): the low 28 bits, sign-extended */
GL_INLINE uint32_t sign28(uint32_t sum) { return (uint32_t)((int32_t)(sum << 4) >> 4); }

/* q of (15) of the four rows of the next quad, from its sums. */
static void finish(gl_matvec *m, gl_sums s, int32_t *q) {
  const uint32_t trick_bias = m->trick_bias;
  if (m->bits == 8u) {
    s.a -= (s.b << 8) + trick_bias;
    s.c -= (s.d << 8) + trick_bias;
  } else {
    s.a = sign28(s.a - (s.b << 4) - trick_bias);
    s.b = sign28(s.b - (s.c << 4) - trick_bias);
    s.c = sign28(s.c - (s.d << 4) - trick_bias);
    s.d = sign28(s.d);
  }
  const uint8_t *params = m->params;
  const uint32_t rows[4] = {s.a, s.b, s.c, s.d};
  for (uint32_t r = 0; r < 4u; r++) {
    q[r] = gl_mulh((int32_t)(rows[r] + gl_u32(params + 4u * r)), gl_s32(params + 16u + 4u * r));
  }
  m->params = params + GATELET_ROW_PARAM_BYTES + m->params_skip;
}

static void next_quad(gl_matvec *m, int32_t *q) {
  gl_sums sums = {0, 0, 0, 0};
  const uint8_t *weights = part_sums(m, &m->first, m->weights, &sums);
  if (m->uses_second != 0u) {
    const uint32_t shift = m->shift;
    sums.a <<= shift, sums.b <<= shift, sums.c <<= shift, sums.d <<= shift;
    weights = part_sums(m, &m->second, weights, &sums);
  }
  m->weights = weights + m->weights_skip;
  finish(m, sums, q);
}

void gl_quads_s16(gl_matvec *m, int16_t *out, uint32_t quads) {
  for (; quads != 0u; quads--, out += 4) {
    int32_t q[4];
    next_quad(m, q);
    for (uint32_t r = 0; r < 4u; r++) out[r] = (int16_t)gl_sat16(q[r]);
  }
}

void gl_quads_relu(gl_matvec *m, int16_t *out, uint32_t quads) {
  gl_quads_s16(m, out, quads);
  for (uint32_t i = 0; i < 4u * quads; i++) out[i] = (int16_t)(out[i] < 0 ? 0 : out[i]);
}

void gl_quads_s32(gl_matvec *m, int32_t *out, uint32_t quads) {
  for (; quads != 0u; quads--, out += 4) next_quad(m, out);
}

#endif
