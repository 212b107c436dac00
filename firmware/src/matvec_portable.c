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

/* 8 bits: a, c: sums of 256 B + A, 256 D + C; b, d: sums of B, D. */
static const uint8_t *unit_sums8(const uint8_t *weights, const gl_part *part, gl_sums *sums) {
  uint32_t a = sums->a, b = sums->b, c = sums->c, d = sums->d;
  const int16_t *x = part->x;
  const int16_t *end = x + 4u * part->units;
  for (; x != end; x += 4, weights += 16) {
    for (uint32_t j = 0; j < 4u; j++) {
      const int32_t value = x[j];
      const int32_t ab = gl_s16(weights + 2u * j), cd = gl_s16(weights + 8u + 2u * j);
      a += product(ab, value);
      b += product(ab >> 8, value);
      c += product(cd, value);
      d += product(cd >> 8, value);
    }
  }
  sums->a = a, sums->b = b, sums->c = c, sums->d = d;
  return weights;
}

/* 4 bits: a: sums of the whole halfword, b, c, d: of it shifted right by 4, 8 and 12. */
#if GATELET_INT4
static const uint8_t *unit_sums4(const uint8_t *weights, const gl_part *part, gl_sums *sums) {
  uint32_t a = sums->a, b = sums->b, c = sums->c, d = sums->d;
  const int16_t *x = part->x;
  const int16_t *end = x + 4u * part->units;
  for (; x != end; x += 4, weights += 8) {
    for (uint32_t j = 0; j < 4u; j++) {
      const int32_t value = x[j];
      const int32_t word = gl_s16(weights + 2u * j);
      a += product(word, value);
      b += product(word >> 4, value);
      c += product(word >> 8, value);
      d += product(word >> 12, value);
    }
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
