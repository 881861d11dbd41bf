/* The tests of test_kernels, by files. */
#ifndef TESTS_H
#define TESTS_H

#include <stdint.h>

enum { MOST_STREAMS = 27 };

/* What is packed, and how. */
typedef struct shape {
    int64_t units;
    int64_t group_units;
    int64_t operands;
    int64_t kinds[3];
    int64_t widths[3];
    int panels;  /* or rows */
    int bf16;    /* or float32 */
    int missing; /* some units lack some rows */
} shape;

void test_products(const shape *s);
void test_products_of_streams(const shape *s, int streams, int all);
void test_tiles(int64_t units, int64_t kinds, int64_t width);
void test_integer_rows(int64_t groups, int64_t rows, int64_t width);
void test_cells(int64_t n, float scale);

#endif
