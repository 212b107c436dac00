/*
 * Bytes of the float baseline's images and result block. Shared with TypeScript (packages/sim/src/float-baseline), which a
 * test compares with the plain `#define NAME VALUE` lines.
 */
#ifndef GATELET_FLOAT_MAP_H
#define GATELET_FLOAT_MAP_H

#define FLOAT_VERSION 1
#define FLOAT_PROGRAM_ADDRESS 0x00010000
#define FLOAT_PROGRAM_BYTES 0x000a0000
#define FLOAT_WINDOWS_ADDRESS 0x000b0000
#define FLOAT_WINDOWS_BYTES 0x00050000

/* program: header of 8 words, records of 24 words, then weights; offsets of weights are in floats from the start */
#define FLOAT_PROGRAM_MAGIC 0x31504c46
#define FLOAT_HEADER_WORDS 8
#define FLOAT_RECORD_WORDS 24
#define FLOAT_RECORDS_MAXIMUM 96

/* windows: magic, count, values of a window, 1 to leave the cache off; then float32 values */
#define FLOAT_WINDOWS_MAGIC 0x31574c46
#define FLOAT_WINDOWS_HEADER_WORDS 4

/* record words by index; buffers are offsets in floats from the start of the arena */
#define FLOAT_OP_AT 0
#define FLOAT_INPUT_AT 1
#define FLOAT_OUTPUT_AT 2
#define FLOAT_SCRATCH_AT 3
#define FLOAT_ROWS_IN_AT 4
#define FLOAT_COLS_IN_AT 5
#define FLOAT_ROWS_OUT_AT 6
#define FLOAT_COLS_OUT_AT 7
#define FLOAT_W0_AT 8
#define FLOAT_W1_AT 9
#define FLOAT_B0_AT 10
#define FLOAT_B1_AT 11
#define FLOAT_MODE_AT 12
#define FLOAT_SPAN_AT 13
#define FLOAT_STRIDE_AT 14
#define FLOAT_DILATION_AT 15
#define FLOAT_PAD_AT 16
#define FLOAT_ACTIVATION_AT 17
#define FLOAT_GATE_AT 20

/* an activation takes 3 words: kind, then two floats (relu: max, slope below 0; leaky, elu: alpha in the second) */
#define FLOAT_LINEAR 0
#define FLOAT_TANH 1
#define FLOAT_SIGMOID 2
#define FLOAT_RELU 3
#define FLOAT_HARD_SIGMOID 4
#define FLOAT_HARD_SIGMOID_KERAS3 5
#define FLOAT_ELU 6
#define FLOAT_SOFTSIGN 7
#define FLOAT_EXPONENTIAL 8
#define FLOAT_SWISH 9
#define FLOAT_HARD_TANH 10
#define FLOAT_HARD_SWISH 11

/* operations */
#define FLOAT_DENSE 0
#define FLOAT_RNN 1
#define FLOAT_LSTM 2
#define FLOAT_GRU 3
#define FLOAT_CONV1D 4
#define FLOAT_DEPTHWISE 5
#define FLOAT_POOL 6
#define FLOAT_GLOBAL_POOL 7
#define FLOAT_AFFINE 8
#define FLOAT_ACTIVATE 9
#define FLOAT_SOFTMAX 10
#define FLOAT_REVERSE 11
#define FLOAT_MERGE 12
#define FLOAT_REPEAT 13
#define FLOAT_MINIMAL_GRU 14
#define FLOAT_FASTGRNN 15

/* modes: recurrent: 1 every row leaves, 2 GRU resets after; pools: 0 maximum, 1 average; merges: */
#define FLOAT_MODE_SEQUENCE 1
#define FLOAT_MODE_RESET_AFTER 2
#define FLOAT_MERGE_COPY 0
#define FLOAT_MERGE_ADD 1
#define FLOAT_MERGE_SUBTRACT 2
#define FLOAT_MERGE_MULTIPLY 3
#define FLOAT_MERGE_MAXIMUM 4
#define FLOAT_MERGE_MINIMUM 5
#define FLOAT_MERGE_SCALE 6

/* g_result, words by index */
#define FLOAT_RESULT_MAGIC 0x31524c46
#define FLOAT_RESULT_MAGIC_AT 0
#define FLOAT_RESULT_FINISHED_AT 1
#define FLOAT_RESULT_STATUS_AT 2
#define FLOAT_RESULT_WINDOWS_AT 3
#define FLOAT_RESULT_CYCLES_AT 4
#define FLOAT_RESULT_CYCLES_HIGH_AT 5
#define FLOAT_RESULT_STACK_AT 6
#define FLOAT_RESULT_LOG_AT 7
#define FLOAT_RESULT_OUTPUT_VALUES_AT 8
#define FLOAT_RESULT_RECORDS_AT 9
#define FLOAT_RESULT_RECORD_CYCLES_AT 10

/* statuses: no program or one of another version, windows missing or of another size, RAM too small, exception n */
#define FLOAT_STATUS_NO_PROGRAM -1
#define FLOAT_STATUS_NO_WINDOWS -2
#define FLOAT_STATUS_RAM -3
#define FLOAT_STATUS_FAULT -200

#endif
