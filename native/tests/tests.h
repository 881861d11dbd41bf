/* The tests of test_kernels, by files. */
#ifndef TESTS_H
#define TESTS_H

#include <stdint.h>

enum { MOST_STREAMS = 27 };

void test_rows(int64_t groups, int64_t state_rows, int64_t state_width, int64_t input_rows,
               int64_t input_width);
void test_rows_of_streams(int64_t groups, int64_t state_rows, int64_t state_width,
                          int64_t input_rows, int64_t input_width, int streams, int all);
void test_blocks(int64_t groups, int64_t units, int64_t state_rows, int64_t state_width,
                 int64_t input_rows, int64_t input_width, int streams);
void test_cells(int64_t n, float scale);

#endif
