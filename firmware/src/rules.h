/* The rules of FORMAT.md as tables and the one function that runs them, for the checker and for saved states. */
#ifndef GATELET_RULES_H
#define GATELET_RULES_H

#include "gatelet_rules.gen.h"
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Places that rules read: the word with the same number is an offset. */
#define GL_PLACES 4

typedef struct gl_rule_state {
  /* of subject, other, header; the first stays free */
  const uint8_t *places[GL_PLACES];
  uint32_t words[GL_WORDS];
} gl_rule_state;

/* Clears all words; every place lies in `model`. */
void gl_rules_begin(gl_rule_state *state, const uint8_t *model);
/* Runs a table; the first rule that does not hold gives its status. */
int32_t gl_rules_run(gl_rule_state *state, const uint8_t *rules);
/* For `count` subjects from offset `at`, `stride` bytes apart; GL_WORD_INDEX counts them. */
int32_t gl_rules_each(gl_rule_state *state, const uint8_t *rules, uint32_t at, uint32_t stride, uint32_t count);

extern const uint8_t gl_header_rules[];
extern const uint8_t gl_section_rules[];
extern const uint8_t gl_sections_rules[];
extern const uint8_t gl_record_rules[];
extern const uint8_t gl_repeated_rules[];
extern const uint8_t gl_pair_rules[];
extern const uint8_t gl_saved_rules[];
extern const uint8_t gl_saved_record_rules[];

#ifdef __cplusplus
}
#endif

#endif
