/* The tier avx512 with the dot products of VNNI. */
#define TIER avx512vnni

#include "tier_avx512.c"
