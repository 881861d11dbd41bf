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
    {"avx512vnni", &sg_table_avx512vnni},
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
    if (strncmp(name, "avx512", 6) == 0) {
        return (name[6] == 0 || __builtin_cpu_supports("avx512vnni")) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
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

int64_t stillgate_abi_version(void) { return SG_ABI_VERSION; }

#if defined(__x86_64__)
enum {
    STICKY_FLAGS = 0x3f, /* which exceptions have occurred: status, not control */
    DENORMALS_ARE_ZERO = 1 << 6,
    MASKS = 0x3f << 7,
    ROUNDING = 3 << 13,
    FLUSH_TO_ZERO = 1 << 15,
    KNOWN = STICKY_FLAGS | DENORMALS_ARE_ZERO | MASKS | ROUNDING | FLUSH_TO_ZERO
};

int64_t sg_float_environment(void) {
    static const int64_t DIRECTIONS[] = {0, SG_ROUNDS_DOWN, SG_ROUNDS_UP, SG_ROUNDS_TO_ZERO};
    unsigned control = _mm_getcsr();
    int64_t differs = DIRECTIONS[(control & ROUNDING) >> 13];
    differs |= control & FLUSH_TO_ZERO ? SG_FLUSHES_RESULTS : 0;
    differs |= control & DENORMALS_ARE_ZERO ? SG_FLUSHES_INPUTS : 0;
    differs |= (control & MASKS) != MASKS ? SG_TRAPS : 0;
    differs |= control & ~(unsigned)KNOWN ? SG_OTHER_CONTROL : 0;
    return differs;
}
#else
enum {
    FLUSH_INPUTS = 1 << 0,
    TRAPS = 0x9f << 8,
    ROUNDING = 3 << 22,
    FLUSH_TO_ZERO = 1 << 24, /* inputs and results */
    KNOWN = FLUSH_INPUTS | TRAPS | ROUNDING | FLUSH_TO_ZERO
};

/* FPCR holds control bits only; the sticky flags stand in FPSR. */
int64_t sg_float_environment(void) {
    static const int64_t DIRECTIONS[] = {0, SG_ROUNDS_UP, SG_ROUNDS_DOWN, SG_ROUNDS_TO_ZERO};
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    int64_t differs = DIRECTIONS[(control & ROUNDING) >> 22];
    differs |= control & FLUSH_TO_ZERO ? SG_FLUSHES_RESULTS | SG_FLUSHES_INPUTS : 0;
    differs |= control & FLUSH_INPUTS ? SG_FLUSHES_INPUTS : 0;
    differs |= control & TRAPS ? SG_TRAPS : 0;
    differs |= control & ~(uint64_t)KNOWN ? SG_OTHER_CONTROL : 0;
    return differs;
}
#endif

#define SG_RETURN_void
#define SG_RETURN_int64_t return
#define SG_RETURN_float return
#define SG_FORWARD(result, name, parameters, arguments)                                                \
    result sg_##name parameters { SG_RETURN_##result chosen->name arguments; }
SG_KERNELS(SG_FORWARD)
