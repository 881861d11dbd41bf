/*
 * Kernels of Stillgate: single-precision, single-threaded, no allocation, no global state but the tier
 * chosen once by sg_choose_tier().
 *
 * Kernels trust their arguments. All float arrays are 64-byte aligned and padded to a multiple of 32
 * elements; padding of inputs is zero. Sums are formed in the order that the Java class RowLayout (rows:
 * 32 interleaved partial sums, then a tree) or PanelLayout (panels: one chain a row) documents, so every
 * tier gives the same bits. MXCSR and FPCR are left as they are found.
 */
#ifndef STILLGATE_H
#define STILLGATE_H

#include <stdint.h>

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
    /* sums[i] = row i of the matrix times vector, lanes are rows */                                   \
    KERNEL(void, multiply_panels,                                                                      \
           (const float *weights, int64_t panels, int64_t columns, const float *vector, float *sums),  \
           (weights, panels, columns, vector, sums))                                                   \
    /* ascending i < n with scores[i] > 0; returns how many */                                         \
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
    /* eq. 2, 4, 5, 6 where a[i] > 0; other h[i] keep their bits */                                    \
    KERNEL(void, conditional_gru,                                                                      \
           (int64_t padded, const float *a, const float *state_sums, const float *input_sums,          \
            const float *bias, float *h),                                                              \
           (padded, a, state_sums, input_sums, bias, h))                                               \
    /* eq. 1, 2, 4, 5 with rows z, r, c */                                                             \
    KERNEL(void, gru,                                                                                  \
           (int64_t padded, const float *state_sums, const float *input_sums, const float *bias,       \
            float *h),                                                                                 \
           (padded, state_sums, input_sums, bias, h))                                                  \
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

/* Nonzero if the calling thread flushes denormals or treats them as zero, which changes bits. */
SG_EXPORT int sg_flushes_denormals(void);

#endif
