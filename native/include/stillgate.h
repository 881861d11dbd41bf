/*
 * Kernels of Stillgate: single-precision, single-threaded, no allocation, no global state but the tier
 * chosen once by sg_choose_tier().
 *
 * Kernels trust their arguments. All float arrays are 64-byte aligned and padded to a multiple of 32
 * elements. Weights are zero in their padding. The padding of every other array may hold any finite values:
 * no result within n depends on them, and none of their indices is selected. What a kernel leaves in the
 * padding of its outputs is unspecified, but where it says so. Sums are formed in the order that the Java
 * class RowLayout (rows: 32 interleaved partial sums, then a tree) or BlockLayout (blocks: one chain a row)
 * documents, so every tier gives the same bits. MXCSR and FPCR are left as they are found.
 */
#ifndef STILLGATE_H
#define STILLGATE_H

#include <stdint.h>

/*
 * Version of everything below: the list of kernels with their parameters, the structs, and what they mean.
 * Whoever changes one of them raises it here and in the Java class NativeLibrary, which refuses a library of
 * another version. tests/test_library.c fails when it was forgotten.
 */
#define SG_ABI_VERSION 1

/* Rows packed group-major; see RowLayout. Strides in floats. */
typedef struct sg_rows {
    const float *weights;
    int64_t group_stride;
    int64_t sum_stride;
    int64_t state_rows;
    int64_t state_stride;
    int64_t input_rows;
    int64_t input_stride;
} sg_rows;

/* Blocks packed as panels; see BlockLayout. Strides and offsets in floats. */
typedef struct sg_blocks {
    const float *weights;
    int64_t group_stride;
    int64_t sum_stride;
    int64_t group_units;
    int64_t state_rows;
    int64_t state_width;
    int64_t input_at;
    int64_t input_rows;
    int64_t input_width;
} sg_blocks;

/*
 * The one list of kernels: KERNEL(result, name, (parameters), (arguments)). Declarations, the table of
 * each tier and the exported functions are all made from it.
 */
#define SG_KERNELS(KERNEL)                                                                             \
    /* sums[k * sum_stride + g] = row k of group g times vector, for count listed groups g */          \
    KERNEL(void, multiply_rows,                                                                        \
           (const sg_rows *pack, const int32_t *groups, int64_t count, const float *state,             \
            float *state_sums, const float *input, float *input_sums),                                 \
           (pack, groups, count, state, state_sums, input, input_sums))                                \
    /* the same for streams members[starts[g] .. starts[g + 1]) of each g < groups; addresses holds    \
       capacity states, then state sums, inputs and input sums, or NULL for a part left out */         \
    KERNEL(void, multiply_rows_batch,                                                                  \
           (const sg_rows *pack, int64_t groups, const int32_t *starts, const int32_t *members,        \
            float *const *addresses, int64_t capacity),                                                \
           (pack, groups, starts, members, addresses, capacity))                                       \
    /* the same where every group is live in every stream */                                           \
    KERNEL(void, multiply_all_rows_batch,                                                              \
           (const sg_rows *pack, int64_t groups, int64_t streams, float *const *addresses,             \
            int64_t capacity),                                                                         \
           (pack, groups, streams, addresses, capacity))                                               \
    /* multiply_rows for blocks; sums[k * sum_stride + u] = row k of unit u times vector */                 \
    KERNEL(void, multiply_blocks,                                                                      \
           (const sg_blocks *pack, const int32_t *groups, int64_t count, const float *state,           \
            float *state_sums, const float *input, float *input_sums),                                 \
           (pack, groups, count, state, state_sums, input, input_sums))                                \
    /* blocks of many streams, as above */                                                             \
    KERNEL(void, multiply_blocks_batch,                                                                \
           (const sg_blocks *pack, int64_t groups, const int32_t *starts, const int32_t *members,      \
            float *const *addresses, int64_t capacity),                                                \
           (pack, groups, starts, members, addresses, capacity))                                       \
    /* ascending i < n with scores[i] > 0; returns how many. indices has room for n padded */          \
    KERNEL(int64_t, select_positive, (int64_t n, const float *scores, int32_t *indices),               \
           (n, scores, indices))                                                                       \
    /* out[i] = sums[i] + bias[i] */                                                                   \
    KERNEL(void, add, (int64_t padded, const float *sums, const float *bias, float *out),              \
           (padded, sums, bias, out))                                                                  \
    /* v = (input_sums[i] + state_sums[i]) + bias[i]; out[i] = v > 0 ? v : +0 */                       \
    KERNEL(void, relu,                                                                                 \
           (int64_t padded, const float *state_sums, const float *input_sums, const float *bias,       \
            float *out),                                                                               \
           (padded, state_sums, input_sums, bias, out))                                                \
    /* out[i] = (input_sums[i] + state_sums[i]) + bias[i] */                                           \
    KERNEL(void, add_both,                                                                             \
           (int64_t padded, const float *state_sums, const float *input_sums, const float *bias,       \
            float *out),                                                                               \
           (padded, state_sums, input_sums, bias, out))                                                \
    /* eq. 6: out[i] = scores[i] > 0 ? tanh(scores[i]) : +0 */                                         \
    KERNEL(void, clipped_tanh, (int64_t padded, const float *scores, float *out),                      \
           (padded, scores, out))                                                                      \
    /* eq. 11: out[i] = values[i / block_units] for i < n */                                           \
    KERNEL(void, spread, (int64_t n, int64_t block_units, const float *values, float *out),            \
           (n, block_units, values, out))                                                              \
    /* gates[i] *= sigmoid(sums[i] + bias[i]) */                                                       \
    KERNEL(void, scale_by_sigmoid,                                                                     \
           (int64_t padded, const float *sums, const float *bias, float *gates),                       \
           (padded, sums, bias, gates))                                                                \
    /* eq. 2, 4, 5 where z[i] > 0; other h[i] keep their bits */                                       \
    KERNEL(void, conditional_gru,                                                                      \
           (int64_t padded, const float *z, const float *state_sums, const float *input_sums,          \
            const float *bias, float *h),                                                              \
           (padded, z, state_sums, input_sums, bias, h))                                               \
    /* eq. 1, 2, 4, 5 with rows z, r, c */                                                             \
    KERNEL(void, gru,                                                                                  \
           (int64_t padded, const float *state_sums, const float *input_sums, const float *bias,       \
            float *h),                                                                                 \
           (padded, state_sums, input_sums, bias, h))                                                  \
    /* out[i] = flush(f(values[i])) for the function numbered as in the Java enum Pointwise */         \
    KERNEL(void, apply,                                                                                \
           (int64_t function, float a, float b, int64_t padded, const float *values, float *out),      \
           (function, a, b, padded, values, out))                                                      \
    /* out[i] = flush(left[i] * right[i]) */                                                           \
    KERNEL(void, multiply,                                                                             \
           (int64_t padded, const float *left, const float *right, float *out),                        \
           (padded, left, right, out))                                                                 \
    /* out[i] = fma(left[i], right[i], out[i]) */                                                      \
    KERNEL(void, add_product,                                                                          \
           (int64_t padded, const float *left, const float *right, float *out),                        \
           (padded, left, right, out))                                                                 \
    /* state[i] = flush(fma(keep[i], state[i], gate[i] * value[i])) */                                 \
    KERNEL(void, carry,                                                                                \
           (int64_t padded, const float *keep, const float *gate, const float *value, float *state),   \
           (padded, keep, gate, value, state))                                                         \
    /* eq. 4: h[i] = flush(fma(z[i], c[i] - h[i], h[i])) */                                            \
    KERNEL(void, blend, (int64_t padded, const float *z, const float *c, float *h),                    \
           (padded, z, c, h))                                                                          \
    /* out = softmax(sums + bias) over n elements, +0 in the padding */                                \
    KERNEL(void, softmax,                                                                              \
           (int64_t n, int64_t padded, const float *sums, const float *bias, float *out),              \
           (n, padded, sums, bias, out))

#if defined(_WIN32)
#define SG_EXPORT __declspec(dllexport)
#else
#define SG_EXPORT __attribute__((visibility("default")))
#endif

#define SG_DECLARE(result, name, parameters, arguments) SG_EXPORT result sg_##name parameters;
SG_KERNELS(SG_DECLARE)
#undef SG_DECLARE

/*
 * Chooses the best tier this CPU has that is not above `cap` (NULL or "": no cap) in the order avx512,
 * avx2 / neon. Returns its name, or NULL if there is none or the cap is unknown. Call once, before any
 * kernel and from one thread. A tier without hardware fused multiply-add is not offered: it would be
 * slower than plain Java.
 */
SG_EXPORT const char *sg_choose_tier(const char *cap);

/* SG_ABI_VERSION of the library. Java finds it first; a library without it is not Stillgate's. */
SG_EXPORT int64_t stillgate_abi_version(void);

/*
 * How the floating-point control register of the calling thread differs from the state that Java and C promise.
 */
enum {
    SG_FLUSHES_RESULTS = 1, /* results that would be denormal become zero (FTZ, FZ) */
    SG_FLUSHES_INPUTS = 2,  /* denormal operands count as zero (DAZ, FZ, FIZ) */
    SG_ROUNDS_DOWN = 4,
    SG_ROUNDS_UP = 8,
    SG_ROUNDS_TO_ZERO = 16,
    SG_TRAPS = 32,        /* an exception is unmasked and may end the process */
    SG_OTHER_CONTROL = 64 /* any other control bit */
};

/* The sum of those that hold for the calling thread; 0 in a thread as the JVM starts it. */
SG_EXPORT int64_t sg_float_environment(void);

#endif
