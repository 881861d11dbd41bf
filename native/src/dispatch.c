#include <stddef.h>
#include <string.h>

#include "tiers.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef struct tier {
    const char *name;
    const sg_table *table;
} tier;

/* Best first; a cap may only go down this list. */
static const tier TIERS[] = {
#if defined(__x86_64__)
    {"avx512", &sg_table_avx512},
    {"avx2", &sg_table_avx2},
#elif defined(__aarch64__)
    {"neon", &sg_table_neon},
#endif
};

enum { TIER_COUNT = sizeof TIERS / sizeof TIERS[0] };

static const sg_table *chosen;

static int cpu_has(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    (void)name;
    return 1;
#endif
}

const char *sg_choose_tier(const char *cap) {
    int first = 0;
    if (cap != NULL && cap[0] != '\0') {
        while (first < TIER_COUNT && strcmp(TIERS[first].name, cap) != 0) {
            first++;
        }
    }
    for (int i = first; i < TIER_COUNT; i++) {
        if (cpu_has(TIERS[i].name)) {
            chosen = TIERS[i].table;
            return TIERS[i].name;
        }
    }
    return NULL;
}

int sg_flushes_denormals(void) {
#if defined(__x86_64__)
    return (_mm_getcsr() & 0x8040) != 0;
#else
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return (control & (1u << 24)) != 0;
#endif
}

#define SG_RETURN_void
#define SG_RETURN_int64_t return
#define SG_FORWARD(result, name, parameters, arguments)                                                \
    result sg_##name parameters { SG_RETURN_##result chosen->name arguments; }
SG_KERNELS(SG_FORWARD)
