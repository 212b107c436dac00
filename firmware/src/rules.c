/*
 * Runs the generated rules: `length, kind, scope, instructions` each, an accumulator machine over u32 without jumps. Every
 * rule that a read of a later one depends on comes before it, so nothing unchecked is used as an address.
 */
#include "small.h"

#include "rules.h"

#include "gatelet_rule_tables.gen.h"

enum { LOAD, ADD, SUB, MUL, AND, OR, XOR, SHL, SHR, EQ, LT, GE, PAD };

#define SETS_WORD 64u

static uint32_t evaluate(const gl_rule_state *state, const uint8_t *code, const uint8_t *end) {
  uint32_t stack[GL_RULE_STACK], *top = stack, value = 0;
  while (code != end) {
    const uint32_t mode = *code & 15u, op = (uint32_t)*code++ >> 4, place = mode & 3u;
    uint32_t operand = 0, bytes = (1u << (mode >> 2)) >> 1;
    if (bytes != 0u) {
      const uint8_t *from = code;
      if (place != 0u) {
        from = state->places[place] + state->words[place] + *code++;
      } else {
        code += bytes;
      }
      while (bytes != 0u) operand = operand << 8 | from[--bytes];
    } else if (mode != 0u) {
      operand = state->words[*code++];
    } else {
      operand = *--top;
    }
    switch (op) {
      case LOAD:
        *top++ = value;
        value = operand;
        break;
      case ADD:
        value += operand;
        break;
      case SUB:
        value -= operand;
        break;
      case MUL:
        value *= operand;
        break;
      case AND:
        value &= operand;
        break;
      case OR:
        value |= operand;
        break;
      case XOR:
        value ^= operand;
        break;
      case SHL:
        value <<= operand & 31u;
        break;
      case SHR:
        value >>= operand & 31u;
        break;
      case EQ:
        value = value == operand;
        break;
      case LT:
        value = value < operand;
        break;
      case GE:
        value = value >= operand;
        break;
      default:
        value = (value + operand) & ~operand;
        break;
    }
  }
  return value;
}

int32_t gl_rules_run(gl_rule_state *state, const uint8_t *rules) {
  for (; *rules != 0u; rules += *rules) {
    const uint32_t kind = rules[1];
    if (((SCOPES[rules[2]] >> state->words[GL_WORD_SELECTOR]) & 1u) == 0u) continue;
    const uint32_t value = evaluate(state, rules + 3, rules + *rules);
    if (kind >= SETS_WORD) {
      state->words[kind - SETS_WORD] = value;
    } else if (value == 0u) {
      return -(int32_t)kind;
    }
  }
  return GATELET_STATUS_OK;
}

int32_t gl_rules_each(gl_rule_state *state, const uint8_t *rules, uint32_t at, uint32_t stride, uint32_t count) {
  int32_t status = GATELET_STATUS_OK;
  for (uint32_t i = 0; i < count && status == GATELET_STATUS_OK; i++, at += stride) {
    state->words[GL_WORD_INDEX] = i;
    state->words[GL_WORD_SUBJECT] = at;
    status = gl_rules_run(state, rules);
  }
  return status;
}

void gl_rules_begin(gl_rule_state *state, const uint8_t *model) {
  memset(state, 0, sizeof *state);
  for (uint32_t i = 0; i < GL_PLACES; i++) state->places[i] = model;
}
