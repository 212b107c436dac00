import { upperSnake } from "../names.js";
import { headerRules, pairRules, recordRules, repeatedRules, sectionRules, sectionsRules } from "./check.js";
import { programText, type Rule, STACK_DEPTH, WORDS } from "./code.js";
import { savedRecordRules, savedRules } from "./saved.js";

const PROGRAMS: Readonly<Record<string, readonly Rule[]>> = {
  gl_header_rules: headerRules,
  gl_section_rules: sectionRules,
  gl_sections_rules: sectionsRules,
  gl_record_rules: recordRules,
  gl_repeated_rules: repeatedRules,
  gl_pair_rules: pairRules,
  gl_saved_rules: savedRules,
  gl_saved_record_rules: savedRecordRules,
};

/** firmware/src/gatelet_rules.gen.h: numbers of the words that rules use. */
export function cRuleWords(notice: string): string {
  const words = WORDS.map((name, index) => `#define GL_WORD_${upperSnake(name)} ${index}`);
  return `/* ${notice} */
#ifndef GATELET_RULES_GEN_H
#define GATELET_RULES_GEN_H

${words.join("\n")}
#define GL_WORDS ${WORDS.length}
#define GL_RULE_STACK ${STACK_DEPTH}

#endif
`;
}

/** firmware/src/gatelet_rule_tables.gen.h: FORMAT.md's checks as tables, which firmware/src/rules.c runs. */
export function cRuleTables(notice: string): string {
  const scopes = [0xffffffff];
  const programs = Object.entries(PROGRAMS).map(([name, rules]) => programText(name, rules, scopes));
  return `/* ${notice} */
#ifndef GATELET_RULE_TABLES_GEN_H
#define GATELET_RULE_TABLES_GEN_H

/* Include from one file only. Rules and instructions: tools/generate/rules/code.ts. */

/* Bits of the selector that a rule is for. */
static const uint32_t SCOPES[] = {
${scopes.map((mask) => `    0x${mask.toString(16).padStart(8, "0")}u,`).join("\n")}
};

${programs.join("\n\n")}

#endif
`;
}
