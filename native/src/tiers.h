/* The table of kernels that each tier fills; made from the one list in stillgate.h. */
#ifndef SG_TIERS_H
#define SG_TIERS_H

#include "stillgate.h"

#define SG_MEMBER(result, name, parameters, arguments) result(*name) parameters;
typedef struct sg_table {
    SG_KERNELS(SG_MEMBER)
} sg_table;
#undef SG_MEMBER

/* The lanes of a bit mask in ascending order, then zeros: what a permutation of four lanes takes to bring them first. */
static const int32_t CHOSEN_FIRST[16][4] __attribute__((aligned(16), unused)) = {
    {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {1, 2, 0, 0}, {0, 1, 2, 0},
    {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0}, {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3},
};

/* The lowest byte of each of these lanes. */
static const uint8_t CHOSEN_BYTES_FIRST[16][4] __attribute__((unused)) = {
    {0, 0, 0, 0}, {0, 0, 0, 0},  {4, 0, 0, 0},  {0, 4, 0, 0},  {8, 0, 0, 0},  {0, 8, 0, 0},  {4, 8, 0, 0},  {0, 4, 8, 0},
    {12, 0, 0, 0}, {0, 12, 0, 0}, {4, 12, 0, 0}, {0, 4, 12, 0}, {8, 12, 0, 0}, {0, 8, 12, 0}, {4, 8, 12, 0}, {0, 4, 8, 12},
};

#if defined(__x86_64__)
extern const sg_table sg_table_avx512vnni;
extern const sg_table sg_table_avx512;
extern const sg_table sg_table_avx2;
#elif defined(__aarch64__)
extern const sg_table sg_table_neon;
#endif

#endif
