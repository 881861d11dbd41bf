/*
 * Kernels of Stillgate: single-precision, single-threaded, no allocation, no global state but the tier
 * chosen once by sg_choose_tier().
 *
 * Kernels trust their arguments. All float arrays are 64-byte aligned and padded to a multiple of 32
 * elements. Weights are zero in their padding. The padding of every other array may hold any finite values:
 * no result within n depends on them, and none of their indices is selected. What a kernel leaves in the
 * padding of its outputs is unspecified, but where it says so. Sums are formed in the order that the Java
 * enum SumOrder documents (rows: 32 interleaved partial sums, then a tree; panels: one chain a row), so every
 * tier returns the same bits. A kernel writes its outputs and nothing else. MXCSR and FPCR are left as they are found.
 */
#ifndef STILLGATE_H
#define STILLGATE_H

#include <stdint.h>

/*
 * Version of everything below: the list of kernels with their parameters, the structs, and what they mean.
 * Whoever changes one of them raises it here and in the Java class NativeLibrary, which refuses a library of
 * another version. tests/test_library.c fails when it was forgotten.
 */
#define SG_ABI_VERSION 5

/*
 * The rows of a pack that multiply one operand; see PackLayout.Part. Group g has the rows first[g] to first[g + 1],
 * exclusive; they begin at[g] weights into the pack, and the sum of row r goes to sums[r] of the operand's sums.
 */
typedef struct sg_part {
    const int64_t *at;
    const int32_t *first;
    const int32_t *sums;
    int64_t stride; /* weights from one row to the next (rows), columns (panels, tiles) */
    /*
     * Tiles have `kinds` kinds and the sum of row u of kind k at sum_stride * k + u. In a regular pack of rows every
     * group has one row of each of `kinds` kinds: group g begins group_stride * g weights behind group 0, and the sum
     * of its row r goes to sum_stride * r + g. In any other, kinds is 0 and only the tables say it.
     */
    int64_t kinds;
    int64_t group_stride;
    int64_t sum_stride;
} sg_part;

/* Packed weights; see PackLayout. In a group the rows over operand 0 come first. */
typedef struct sg_pack {
    const void *weights;
    int64_t operands;
    const sg_part *parts;
} sg_pack;

/*
 * Columns of int8 and what they are multiplied by, made by send_int8 or round_int8 for `padded` values: `added` columns
 * that are added, and from `second` on `subtracted` columns that are subtracted, times their factors, of 8 bits each,
 * which follow all columns. Both numbers are multiples of 4, filled up with factors of 0. A column is kept as its place
 * in a tile of 64 rows, in bytes; a change beyond 127 is two of them. Behind the factors send_int8 has room for `padded`
 * integers.
 */
typedef struct sg_terms {
    int32_t added;
    int32_t subtracted;
    int32_t room; /* SG_TERMS_OF(padded) */
    int32_t held_back; /* values that send_int8 did not send because they were more than `most` */
    int32_t is_whole;  /* whether the sums begin at 0: fewer columns than changes */
    int32_t second;
    int32_t unused[2];
    int32_t columns[];
} sg_terms;

/* Columns that are fetched before they are multiplied; behind each list so many more are columns too. */
#define SG_TERMS_AHEAD 16
#define SG_TERMS_OF(padded) (2 * (padded) + 8 + 2 * SG_TERMS_AHEAD)

/*
 * The one list of kernels: KERNEL(result, name, (parameters), (arguments)). Declarations, the table of
 * each tier and the exported functions are all made from it.
 */
#define SG_KERNELS(KERNEL)                                                                             \
    /* rows of count listed groups; addresses holds the vector of each operand, or NULL for one that is left\
       out, then where the sums of each go */                                                          \
    KERNEL(void, multiply_rows_f32,                                                                    \
           (const sg_pack *pack, const int32_t *groups, int64_t count, float *const *addresses),       \
           (pack, groups, count, addresses))                                                           \
    /* the groups from `from` to `to`, exclusive, of streams members[starts[g] .. starts[g + 1]) each; addresses\
       holds capacity vectors for each operand, then capacity addresses of sums for each */            \
    KERNEL(void, multiply_rows_batch_f32,                                                              \
           (const sg_pack *pack, int64_t from, int64_t to, const int32_t *starts,                      \
            const int32_t *members, float *const *addresses, int64_t capacity),                        \
           (pack, from, to, starts, members, addresses, capacity))                                     \
    /* the same where every group is live in every stream */                                           \
    KERNEL(void, multiply_all_rows_batch_f32,                                                          \
           (const sg_pack *pack, int64_t from, int64_t to, int64_t streams,                            \
            float *const *addresses, int64_t capacity),                                                \
           (pack, from, to, streams, addresses, capacity))                                             \
    /* multiply_rows for panels */                                                                     \
    KERNEL(void, multiply_panels_f32,                                                                  \
           (const sg_pack *pack, const int32_t *groups, int64_t count, float *const *addresses),       \
           (pack, groups, count, addresses))                                                           \
    /* multiply_rows_batch for panels */                                                               \
    KERNEL(void, multiply_panels_batch_f32,                                                            \
           (const sg_pack *pack, int64_t from, int64_t to, const int32_t *starts,                      \
            const int32_t *members, float *const *addresses, int64_t capacity),                        \
           (pack, from, to, starts, members, addresses, capacity))                                     \
    /* the same over bfloat16; see WeightFormat */                                                     \
    KERNEL(void, multiply_rows_bf16,                                                                   \
           (const sg_pack *pack, const int32_t *groups, int64_t count, float *const *addresses),       \
           (pack, groups, count, addresses))                                                           \
    /* the same over bfloat16 */                                                                       \
    KERNEL(void, multiply_rows_batch_bf16,                                                             \
           (const sg_pack *pack, int64_t from, int64_t to, const int32_t *starts,                      \
            const int32_t *members, float *const *addresses, int64_t capacity),                        \
           (pack, from, to, starts, members, addresses, capacity))                                     \
    /* the same over bfloat16 */                                                                       \
    KERNEL(void, multiply_all_rows_batch_bf16,                                                         \
           (const sg_pack *pack, int64_t from, int64_t to, int64_t streams,                            \
            float *const *addresses, int64_t capacity),                                                \
           (pack, from, to, streams, addresses, capacity))                                             \
    /* the same over bfloat16 */                                                                       \
    KERNEL(void, multiply_panels_bf16,                                                                 \
           (const sg_pack *pack, const int32_t *groups, int64_t count, float *const *addresses),       \
           (pack, groups, count, addresses))                                                           \
    /* the same over bfloat16 */                                                                       \
    KERNEL(void, multiply_panels_batch_bf16,                                                           \
           (const sg_pack *pack, int64_t from, int64_t to, const int32_t *starts,                      \
            const int32_t *members, float *const *addresses, int64_t capacity),                        \
           (pack, from, to, starts, members, addresses, capacity))                                     \
    /* int8, see the Java classes Int8, KeptSums and Movement: rounds `padded` values; the `most` that differ most,\
       and by more than threshold, from what was sent are sent, or all if sent is NULL. moved lists where that\
       differs from summed, terms by how much, and summed becomes it; returns how many */              \
    KERNEL(int64_t, send_int8,                                                                         \
           (int64_t padded, float scale, float threshold, int64_t most, const float *values,           \
            float *sent, float *summed, int32_t *moved, sg_terms *terms),                              \
           (padded, scale, threshold, most, values, sent, summed, moved, terms))                       \
    /* rounds `padded` values by a fixed scale, or, if that is 0, by their own; terms say what is not 0; returns\
       the scale */                                                                                    \
    KERNEL(float, round_int8,                                                                          \
           (int64_t padded, float fixed, const float *values, sg_terms *terms),                        \
           (padded, fixed, values, terms))                                                             \
    /* tiles of count listed groups over one operand: the columns that terms list, times their factors, are added\
       to kept, or to 0 if it is NULL; sums get them as floats */                                      \
    KERNEL(void, multiply_tiles,                                                                       \
           (const sg_pack *pack, int64_t operand, const int32_t *groups, int64_t count,                \
            const sg_terms *terms, int32_t *kept, const float *row_scales, float scale, float *sums),  \
           (pack, operand, groups, count, terms, kept, row_scales, scale, sums))                       \
    /* rounds `padded` values by a fixed scale, or, if that is 0, by their own, to bytes, filled up with zeros to a\
       multiple of 64; returns the scale */                                                            \
    KERNEL(float, round_bytes,                                                                         \
           (int64_t padded, float fixed, const float *values, int8_t *bytes),                          \
           (padded, fixed, values, bytes))                                                             \
    /* rows of int8 of count listed groups over one operand, which is bytes; sums get them as floats */\
    KERNEL(void, multiply_rows_i8,                                                                     \
           (const sg_pack *pack, int64_t operand, const int32_t *groups, int64_t count,                \
            const int8_t *bytes, const float *row_scales, float scale, float *sums),                   \
           (pack, operand, groups, count, bytes, row_scales, scale, sums))                             \
    /* ascending i < n with scores[i] > 0; returns how many. indices has room for n padded */          \
    KERNEL(int64_t, select_positive, (int64_t n, const float *scores, int32_t *indices),               \
           (n, scores, indices))                                                                       \
    /* out[i] = left[i] + right[i]; here and below out may be an input */                              \
    KERNEL(void, add,                                                                                  \
           (int64_t padded, const float *left, const float *right, float *out),                        \
           (padded, left, right, out))                                                                 \
    /* out[i] = left[i] - right[i] */                                                                  \
    KERNEL(void, subtract,                                                                             \
           (int64_t padded, const float *left, const float *right, float *out),                        \
           (padded, left, right, out))                                                                 \
    /* out[i] = left[i] * right[i] */                                                                  \
    KERNEL(void, multiply,                                                                             \
           (int64_t padded, const float *left, const float *right, float *out),                        \
           (padded, left, right, out))                                                                 \
    /* out[i] = fma(left[i], right[i], addend[i]) */                                                   \
    KERNEL(void, multiply_add,                                                                         \
           (int64_t padded, const float *left, const float *right, const float *addend,                \
            float *out),                                                                               \
           (padded, left, right, addend, out))                                                         \
    /* out[i] = f(values[i]) for the function numbered as in the Java enum Pointwise */                \
    KERNEL(void, apply,                                                                                \
           (int64_t function, float a, float b, int64_t padded, const float *values, float *out),      \
           (function, a, b, padded, values, out))                                                      \
    /* out[at + i] = values[position i] for `ranges` ranges; table holds for each: at, number of positions, the\
       positions. out is other memory */                                                               \
    KERNEL(void, gather,                                                                               \
           (int64_t ranges, const int32_t *table, const float *values, float *out),                    \
           (ranges, table, values, out))                                                               \
    /* out[i] = condition[i] > 0 ? yes[i] : no[i] */                                                   \
    KERNEL(void, choose,                                                                               \
           (int64_t padded, const float *condition, const float *yes, const float *no,                 \
            float *out),                                                                               \
           (padded, condition, yes, no, out))                                                          \
    /* out[i] = |values[i]| < 1e-30 ? +0 : values[i] */                                                \
    KERNEL(void, flush,                                                                                \
           (int64_t padded, const float *values, float *out),                                          \
           (padded, values, out))                                                                      \
    /* eq. 11: out[i] = values[i / block_units] for i < n; out is other memory */                      \
    KERNEL(void, spread,                                                                               \
           (int64_t n, int64_t block_units, const float *values, float *out),                          \
           (n, block_units, values, out))                                                              \
    /* out = softmax(values) over n elements, +0 in the padding */                                     \
    KERNEL(void, softmax,                                                                              \
           (int64_t n, int64_t padded, const float *values, float *out),                               \
           (n, padded, values, out))                                                                   \
    /* out[i] = (x[i] + h[i]) + bias[i] */                                                             \
    KERNEL(void, preactivate,                                                                          \
           (int64_t padded, const float *x, const float *h, const float *bias, float *out),            \
           (padded, x, h, bias, out))                                                                  \
    /* eq. 2, 4, 5 with rows r, c where z[i] > 0; other state[i] keep their bits */                    \
    KERNEL(void, conditional_gru,                                                                      \
           (int64_t padded, const float *z, const float *x, const float *h, const float *bias,         \
            float *state),                                                                             \
           (padded, z, x, h, bias, state))                                                             \
    /* eq. 1, 2, 4, 5 with rows z, r, c, padded apart; registers of units behind n are not written */             \
    KERNEL(void, gru,                                                                                  \
           (int64_t n, int64_t padded, const float *x, const float *h, const float *bias,              \
            float *state),                                                                             \
           (n, padded, x, h, bias, state))                                                             \
    /* the same with inner[i] added to the sum over the state of row c */                              \
    KERNEL(void, biased_gru,                                                                           \
           (int64_t n, int64_t padded, const float *x, const float *h, const float *bias,              \
            const float *inner, float *state),                                                         \
           (n, padded, x, h, bias, inner, state))                                                      \
    /* state[i] = flush(fma(keep[i], state[i], gate[i] * value[i])) */                                 \
    KERNEL(void, carry,                                                                                \
           (int64_t padded, const float *keep, const float *gate, const float *value, float *state),   \
           (padded, keep, gate, value, state))                                                         \
    /* eq. 4: state[i] = flush(fma(z[i], c[i] - state[i], state[i])) */                                \
    KERNEL(void, blend,                                                                                \
           (int64_t padded, const float *z, const float *c, float *state),                             \
           (padded, z, c, state))

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
