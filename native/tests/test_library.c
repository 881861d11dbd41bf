/* What the library exports beside its kernels: the ABI version, the choice of a tier, the thread's arithmetic. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "float_control.h"
#include "stillgate.h"

static int failures;

static void expect(const char *what, int64_t expected, int64_t actual) {
    if (expected != actual) {
        failures++;
        printf("%s: expected %lld, got %lld\n", what, (long long)expected, (long long)actual);
    }
}

/* FNV-1a. */
static uint32_t hash_text(uint32_t hash, const char *text) {
    for (; *text; text++) {
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    }
    return hash;
}

#define SIGNATURE(result, name, parameters, arguments) #result " " #name #parameters ";"
#define FIELD(type, field)                                                                             \
    hash = hash_text(hash, #field);                                                                    \
    hash = (hash ^ (uint32_t)offsetof(type, field)) * 16777619u

/* Every name, parameter and field. What they mean no sum can see. */
static uint32_t checksum(void) {
    uint32_t hash = hash_text(2166136261u, SG_KERNELS(SIGNATURE));
    FIELD(sg_part, at);
    FIELD(sg_part, first);
    FIELD(sg_part, sums);
    FIELD(sg_part, stride);
    FIELD(sg_part, kinds);
    FIELD(sg_part, group_stride);
    FIELD(sg_part, sum_stride);
    FIELD(sg_pack, weights);
    FIELD(sg_pack, operands);
    FIELD(sg_pack, parts);
    FIELD(sg_terms, added);
    FIELD(sg_terms, subtracted);
    FIELD(sg_terms, room);
    FIELD(sg_terms, held_back);
    FIELD(sg_terms, is_whole);
    FIELD(sg_terms, second);
    FIELD(sg_terms, columns);
    hash = (hash ^ (uint32_t)(SG_TERMS_OF(1) * 1000 + SG_TERMS_AHEAD)) * 16777619u;
    return (hash ^ (uint32_t)(sizeof(sg_part) * 1000 + sizeof(sg_pack))) * 16777619u;
}

/* The kernels and structs of this version. */
enum { PINNED_VERSION = 5 };
static const uint32_t PINNED_CHECKSUM = 0xf27927fbu;

static void test_version(void) {
    expect("the library's version", SG_ABI_VERSION, stillgate_abi_version());
    expect("the pinned version", PINNED_VERSION, SG_ABI_VERSION);
    if (checksum() != PINNED_CHECKSUM) {
        failures++;
        printf("kernels or structs changed (checksum 0x%08xu, pinned 0x%08xu): raise SG_ABI_VERSION here, in"
               " stillgate.h and in NativeLibrary.java, and pin the new checksum\n",
               checksum(), PINNED_CHECKSUM);
    }
}

static void test_tiers(void) {
    if (sg_choose_tier("no such tier") != NULL) {
        failures++;
        printf("an unknown tier was taken\n");
    }
    const char *best = sg_choose_tier("");
    const char *uncapped = sg_choose_tier(NULL);
    if (best != uncapped && (best == NULL || uncapped == NULL || strcmp(best, uncapped) != 0)) {
        failures++;
        printf("no cap and an empty cap give different tiers\n");
    }
}

static void test_float_environment(void) {
    int64_t control = read_control();
    expect("a thread as it starts", 0, sg_float_environment());
#if defined(__x86_64__)
    static const int64_t CASES[][2] = {
        {0x1f80, 0},
        {0x1fbf, 0}, /* all sticky flags */
        {0x9f80, SG_FLUSHES_RESULTS},
        {0x1fc0, SG_FLUSHES_INPUTS},
        {0x3f80, SG_ROUNDS_DOWN},
        {0x5f80, SG_ROUNDS_UP},
        {0x7f80, SG_ROUNDS_TO_ZERO},
        {0xffff, SG_FLUSHES_RESULTS | SG_FLUSHES_INPUTS | SG_ROUNDS_TO_ZERO},
        {0x1f00, SG_TRAPS},
        {0x0f80, SG_TRAPS},
    };
#else
    static const int64_t CASES[][2] = {
        {0, 0},
        {1 << 24, SG_FLUSHES_RESULTS | SG_FLUSHES_INPUTS},
        {1 << 22, SG_ROUNDS_UP},
        {2 << 22, SG_ROUNDS_DOWN},
        {3 << 22, SG_ROUNDS_TO_ZERO},
        {1 << 25, SG_OTHER_CONTROL}, /* one NaN for all */
    };
#endif
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        write_control(CASES[i][0]);
        int64_t differs = sg_float_environment();
        write_control(control);
        char what[40];
        snprintf(what, sizeof what, "control 0x%llx", (long long)CASES[i][0]);
        expect(what, CASES[i][1], differs);
    }
}

int main(void) {
    test_version();
    test_tiers();
    test_float_environment();
    printf("library: %s\n", failures ? "FAILED" : "ok");
    return failures ? 1 : 0;
}
