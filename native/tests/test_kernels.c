/*
 * Each tier against plain C written from the documents (RowLayout, BlockLayout, Elementary), bit for bit.
 * Exits with 77 where this CPU or build lacks the tier.
 *
 * Sizes are ugly on purpose: widths 1 to 3 registers and a bit, groups that do not fill fours, 1 to 3 rows.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stillgate.h"

static int failures;

static int64_t padded(int64_t n) { return (n + 31) / 32 * 32; }

static float *floats(int64_t n) {
    float *p = aligned_alloc(64, (size_t)(n < 16 ? 16 : n) * 4);
    memset(p, 0, (size_t)n * 4);
    return p;
}

static uint32_t seed = 20160311;

static float uniform(void) {
    seed = seed * 1664525u + 1013904223u;
    return (float)(int32_t)seed * 0x1p-31f;
}

static void fill(float *p, int64_t n, float scale) {
    for (int64_t i = 0; i < n; i++) {
        p[i] = scale * uniform();
    }
}

static void check(const char *what, int64_t i, float expected, float actual) {
    if (memcmp(&expected, &actual, 4) != 0) {
        failures++;
        printf("%s[%ld]: expected %a, got %a\n", what, (long)i, expected, actual);
    }
}

/* --- the documents' formulas, one element at a time --- */

static float row_sum(const float *w, const float *x, int64_t width) {
    float p[32] = {0};
    for (int64_t k = 0; k < width; k++) {
        p[k % 32] = fmaf(w[k], x[k], p[k % 32]);
    }
    for (int half = 16; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) {
            p[l] += p[l + half];
        }
    }
    return p[0];
}

static float plain_exp(float x) {
    float c = x > 86.0f ? 86.0f : x;
    c = c < -86.0f ? -86.0f : c;
    float shifted = fmaf(c, 0x1.715476p0f, 0x1.8p23f);
    float n = shifted - 0x1.8p23f;
    float r = fmaf(n, -0x1.63p-1f, c);
    r = fmaf(n, 0x1.bd0106p-13f, r);
    float p = fmaf(r, 0x1.6dbc64p-10f, 0x1.124148p-7f);
    p = fmaf(r, p, 0x1.555454p-5f);
    p = fmaf(r, p, 0x1.555486p-3f);
    p = fmaf(r, p, 0.5f);
    float square = r * r;
    p = fmaf(square, p, r);
    p = p + 1.0f;
    return p * ldexpf(1.0f, (int)n);
}

static float plain_sigmoid(float x) { return 1.0f / (1.0f + plain_exp(-x)); }

static float plain_tanh(float x) {
    float m = fabsf(x);
    if (m < 0.625f) {
        float s = x * x;
        float p = fmaf(s, -0x1.76abf6p-8f, 0x1.5256cep-6f);
        p = fmaf(s, p, -0x1.b84448p-5f);
        p = fmaf(s, p, 0x1.110768p-3f);
        p = fmaf(s, p, -0x1.555534p-2f);
        float cube = x * s;
        return fmaf(cube, p, x);
    }
    return copysignf(1.0f - 2.0f / (plain_exp(m + m) + 1.0f), x);
}

static float plain_blend(float z, float c, float h) {
    float v = fmaf(z, c - h, h);
    return fabsf(v) < 1e-30f ? 0.0f : v;
}

static float plain_flush(float v) { return fabsf(v) < 1e-30f ? 0.0f : v; }

/* In the order of the Java enum Pointwise. */
static float plain_pointwise(int function, float v, float a, float b) {
    switch (function) {
        case 0: return plain_sigmoid(v);
        case 1: return plain_tanh(v);
        case 2: return fmaf(a, v, b);
        case 3: return v > a ? (v < b ? v : b) : a;
        case 4: return v > 0.0f ? v : a * v;
        case 5: return v > a ? v : 0.0f;
        case 6: return v > 0.0f ? v : a * (plain_exp(v) - 1.0f);
        default: return v / (1.0f + fabsf(v));
    }
}

/* --- kernels --- */

static void test_rows(int64_t groups, int64_t state_rows, int64_t state_width, int64_t input_rows,
                      int64_t input_width) {
    sg_rows pack = {0};
    pack.state_rows = state_rows;
    pack.state_stride = state_rows ? padded(state_width) : 0;
    pack.input_rows = input_rows;
    pack.input_stride = input_rows ? padded(input_width) : 0;
    pack.group_stride = state_rows * pack.state_stride + input_rows * pack.input_stride;
    pack.sum_stride = padded(groups);
    float *weights = floats(groups * pack.group_stride);
    fill(weights, groups * pack.group_stride, 1.0f);
    pack.weights = weights;
    float *state = floats(padded(state_width));
    float *input = floats(padded(input_width));
    fill(state, state_width, 1.0f);
    fill(input, input_width, 3.0f);
    float *state_sums = floats((state_rows + 1) * pack.sum_stride);
    float *input_sums = floats((input_rows + 1) * pack.sum_stride);
    int32_t *live = malloc((size_t)groups * 4);
    int64_t count = 0;
    for (int64_t g = 0; g < groups; g++) {
        if (uniform() > -0.2f) {
            live[count++] = (int32_t)g;
        } else {
            /* Still groups are poisoned: reading one shows up as NaN. */
            for (int64_t k = 0; k < pack.group_stride; k++) {
                weights[g * pack.group_stride + k] = NAN;
            }
        }
    }
    const float guard = 12345.0f;
    for (int64_t i = 0; i < (state_rows + 1) * pack.sum_stride; i++) state_sums[i] = guard;
    for (int64_t i = 0; i < (input_rows + 1) * pack.sum_stride; i++) input_sums[i] = guard;
    sg_multiply_rows(&pack, live, count, state_rows ? state : NULL, state_sums,
                     input_rows ? input : NULL, input_sums);
    int64_t next = 0;
    for (int64_t g = 0; g < groups; g++) {
        int is_live = next < count && live[next] == g;
        next += is_live;
        const float *at = weights + g * pack.group_stride;
        for (int64_t r = 0; r < state_rows; r++) {
            float e = is_live ? row_sum(at + r * pack.state_stride, state, pack.state_stride) : guard;
            check("state sum", g, e, state_sums[r * pack.sum_stride + g]);
        }
        at += state_rows * pack.state_stride;
        for (int64_t r = 0; r < input_rows; r++) {
            float e = is_live ? row_sum(at + r * pack.input_stride, input, pack.input_stride) : guard;
            check("input sum", g, e, input_sums[r * pack.sum_stride + g]);
        }
    }
    check("guard", 0, guard, state_sums[state_rows * pack.sum_stride]);
    check("guard", 1, guard, input_sums[input_rows * pack.sum_stride]);
    free(weights);
    free(state);
    free(input);
    free(state_sums);
    free(input_sums);
    free(live);
}

enum { MOST_STREAMS = 27 };

/* Rows for many streams have the bits of each stream alone. */
static void test_rows_of_streams(int64_t groups, int64_t state_rows, int64_t state_width,
                                 int64_t input_rows, int64_t input_width, int streams, int all) {
    sg_rows pack = {0};
    pack.state_rows = state_rows;
    pack.state_stride = state_rows ? padded(state_width) : 0;
    pack.input_rows = input_rows;
    pack.input_stride = input_rows ? padded(input_width) : 0;
    pack.group_stride = state_rows * pack.state_stride + input_rows * pack.input_stride;
    pack.sum_stride = padded(groups);
    float *weights = floats(groups * pack.group_stride);
    fill(weights, groups * pack.group_stride, 1.0f);
    pack.weights = weights;
    float *addresses[4 * MOST_STREAMS] = {0};
    for (int s = 0; s < streams; s++) {
        addresses[s] = floats(padded(state_width));
        addresses[MOST_STREAMS + s] = floats(state_rows * pack.sum_stride);
        addresses[2 * MOST_STREAMS + s] = floats(padded(input_width));
        addresses[3 * MOST_STREAMS + s] = floats(input_rows * pack.sum_stride);
        fill(addresses[s], state_width, 1.0f);
        fill(addresses[2 * MOST_STREAMS + s], input_width, 2.0f);
    }
    int32_t *starts = calloc((size_t)groups + 1, 4);
    int32_t *members = malloc((size_t)(groups * streams) * 4);
    int32_t count = 0;
    for (int64_t g = 0; g < groups; g++) {
        starts[g] = count;
        for (int s = 0; s < streams; s++) {
            if (all || uniform() > -0.4f) {
                members[count++] = s;
            }
        }
    }
    starts[groups] = count;
    if (all) {
        sg_multiply_all_rows_batch(&pack, groups, streams, addresses, MOST_STREAMS);
    } else {
        sg_multiply_rows_batch(&pack, groups, starts, members, addresses, MOST_STREAMS);
    }
    for (int64_t g = 0; g < groups; g++) {
        for (int32_t m = starts[g]; m < starts[g + 1]; m++) {
            int s = members[m];
            const float *row = weights + g * pack.group_stride;
            for (int64_t r = 0; r < state_rows; r++, row += pack.state_stride) {
                check("rows of streams", g, row_sum(row, addresses[s], pack.state_stride),
                      addresses[MOST_STREAMS + s][r * pack.sum_stride + g]);
            }
            for (int64_t r = 0; r < input_rows; r++, row += pack.input_stride) {
                check("rows of streams", g,
                      row_sum(row, addresses[2 * MOST_STREAMS + s], pack.input_stride),
                      addresses[3 * MOST_STREAMS + s][r * pack.sum_stride + g]);
            }
        }
    }
    for (int i = 0; i < 4 * MOST_STREAMS; i++) {
        free(addresses[i]);
    }
    free(weights);
    free(starts);
    free(members);
}

static float chain(const float *panels, int64_t row, int64_t width, const float *vector) {
    float sum = 0;
    for (int64_t k = 0; k < width; k++) {
        sum = fmaf(panels[(row / 32 * width + k) * 32 + row % 32], vector[k], sum);
    }
    return sum;
}

static void check_block(const sg_blocks *pack, int64_t group, int input, const float *vector,
                        const float *sums) {
    int64_t rows = (input ? pack->input_rows : pack->state_rows) * pack->group_units;
    int64_t width = input ? pack->input_width : pack->state_width;
    const float *panels =
        pack->weights + group * pack->group_stride + (input ? pack->input_at : 0);
    for (int64_t row = 0; row < rows; row++) {
        int64_t at = row / pack->group_units * pack->sum_stride + group * pack->group_units +
                     row % pack->group_units;
        check(input ? "block over input" : "block over state", at,
              chain(panels, row, width, vector), sums[at]);
    }
}

/* Blocks alone and in a batch; streams differ in what is live, still blocks are poisoned. */
static void test_blocks(int64_t groups, int64_t units, int64_t state_rows, int64_t state_width,
                        int64_t input_rows, int64_t input_width, int streams) {
    sg_blocks pack = {0};
    pack.group_units = units;
    pack.sum_stride = padded(groups * units);
    pack.state_rows = state_rows;
    pack.state_width = state_width;
    pack.input_rows = input_rows;
    pack.input_width = input_width;
    pack.input_at = padded(state_rows * units) * state_width;
    pack.group_stride = pack.input_at + padded(input_rows * units) * input_width;
    float *weights = floats(groups * pack.group_stride);
    fill(weights, groups * pack.group_stride, 1.0f);
    pack.weights = weights;
    int64_t state_room = state_rows * pack.sum_stride;
    int64_t input_room = input_rows * pack.sum_stride;
    float *addresses[4 * MOST_STREAMS] = {0};
    int32_t *starts = calloc((size_t)groups + 1, 4);
    int32_t *members = malloc((size_t)(groups * streams) * 4);
    for (int s = 0; s < streams; s++) {
        float *state = floats(padded(state_width));
        float *input = floats(padded(input_width));
        fill(state, state_width, 1.0f);
        fill(input, input_width, 2.0f);
        addresses[s] = state;
        addresses[MOST_STREAMS + s] = floats(state_room);
        addresses[2 * MOST_STREAMS + s] = input;
        addresses[3 * MOST_STREAMS + s] = floats(input_room);
    }
    int32_t count = 0;
    for (int64_t g = 0; g < groups; g++) {
        starts[g] = count;
        int any = 0;
        for (int s = 0; s < streams; s++) {
            if (g % 4 != 3 && uniform() > -0.4f) {
                members[count++] = s;
                any = 1;
            }
        }
        if (!any) {
            for (int64_t k = 0; k < pack.group_stride; k++) {
                weights[g * pack.group_stride + k] = NAN;
            }
        }
    }
    starts[groups] = count;
    sg_multiply_blocks_batch(&pack, groups, starts, members, addresses, MOST_STREAMS);
    float *state_sums = floats(state_room);
    float *input_sums = floats(input_room);
    for (int64_t g = 0; g < groups; g++) {
        for (int32_t m = starts[g]; m < starts[g + 1]; m++) {
            int s = members[m];
            int32_t live = (int32_t)g;
            sg_multiply_blocks(&pack, &live, 1, addresses[s], state_sums,
                               addresses[2 * MOST_STREAMS + s], input_sums);
            check_block(&pack, g, 0, addresses[s], state_sums);
            check_block(&pack, g, 1, addresses[2 * MOST_STREAMS + s], input_sums);
            check_block(&pack, g, 0, addresses[s], addresses[MOST_STREAMS + s]);
            check_block(&pack, g, 1, addresses[2 * MOST_STREAMS + s],
                        addresses[3 * MOST_STREAMS + s]);
        }
    }
    /* What belongs to still blocks was never written. */
    for (int s = 0; s < streams; s++) {
        for (int64_t g = 3; g < groups; g += 4) {
            for (int64_t row = 0; row < state_rows; row++) {
                for (int64_t u = g * units; u < (g + 1) * units; u++) {
                    int64_t at = row * pack.sum_stride + u;
                    check("still", at, 0.0f, addresses[MOST_STREAMS + s][at]);
                }
            }
        }
    }
    for (int i = 0; i < 4 * MOST_STREAMS; i++) {
        free(addresses[i]);
    }
    free(weights);
    free(starts);
    free(members);
    free(state_sums);
    free(input_sums);
}

static void test_cells(int64_t n, float scale) {
    int64_t s = padded(n);
    float *a = floats(s), *state = floats(3 * s), *input = floats(3 * s), *bias = floats(3 * s);
    float *h = floats(s), *before = floats(s), *out = floats(s);
    int32_t *indices = malloc((size_t)s * 4);
    fill(a, n, scale);
    for (int row = 0; row < 3; row++) {
        fill(state + row * s, n, scale);
        fill(input + row * s, n, scale);
        fill(bias + row * s, n, 0.5f);
    }
    fill(h, n, 1.0f);
    a[0] = n > 1 ? 0.0f : a[0];
    h[n - 1] = 1e-31f;
    memcpy(before, h, (size_t)s * 4);

    int64_t live = sg_select_positive(n, a, indices);
    int64_t expected = 0;
    for (int64_t i = 0; i < n; i++) {
        if (a[i] > 0.0f) {
            if (expected >= live || indices[expected] != i) {
                failures++;
                printf("select: unit %ld is missing\n", (long)i);
            }
            expected++;
        }
    }
    if (expected != live) {
        failures++;
        printf("select: %ld live, expected %ld\n", (long)live, (long)expected);
    }

    sg_relu(s, state, input, bias, out);
    for (int64_t i = 0; i < n; i++) {
        float v = (input[i] + state[i]) + bias[i];
        check("relu", i, v > 0.0f ? v : 0.0f, out[i]);
    }
    sg_add(s, state, bias, out);
    for (int64_t i = 0; i < n; i++) {
        check("add", i, state[i] + bias[i], out[i]);
    }

    sg_add_both(s, state, input, bias, out);
    for (int64_t i = 0; i < n; i++) {
        check("add_both", i, (input[i] + state[i]) + bias[i], out[i]);
    }
    float *z = floats(s);
    sg_clipped_tanh(s, a, z);
    for (int64_t i = 0; i < s; i++) {
        check("clipped_tanh", i, a[i] > 0.0f ? plain_tanh(a[i]) : 0.0f, z[i]);
    }
    for (int64_t units = 1; units <= n; units++) {
        if (n % units == 0) {
            sg_spread(n, units, state, out);
            for (int64_t i = 0; i < n; i++) {
                check("spread", i, state[i / units], out[i]);
            }
        }
    }
    memcpy(out, z, (size_t)s * 4);
    sg_scale_by_sigmoid(s, state, bias, out);
    for (int64_t i = 0; i < n; i++) {
        check("scale_by_sigmoid", i, z[i] * plain_sigmoid(state[i] + bias[i]), out[i]);
    }

    sg_conditional_gru(s, z, state, input, bias, h);
    for (int64_t i = 0; i < n; i++) {
        float e = before[i];
        if (a[i] > 0.0f) {
            float r = plain_sigmoid((input[i] + state[i]) + bias[i]);
            float c = plain_tanh(fmaf(r, state[s + i], input[s + i]) + bias[s + i]);
            e = plain_blend(z[i], c, e);
        }
        check("conditional_gru", i, e, h[i]);
    }

    memcpy(h, before, (size_t)s * 4);
    sg_gru(s, state, input, bias, h);
    for (int64_t i = 0; i < n; i++) {
        float z = plain_sigmoid((input[i] + state[i]) + bias[i]);
        float r = plain_sigmoid((input[s + i] + state[s + i]) + bias[s + i]);
        float c = plain_tanh(fmaf(r, state[2 * s + i], input[2 * s + i]) + bias[2 * s + i]);
        check("gru", i, plain_blend(z, c, before[i]), h[i]);
    }

    float *left = input, *right = bias, *value = state + s;
    for (int function = 0; function < 8; function++) {
        sg_apply(function, 0.3f, 0.7f, s, state, out);
        for (int64_t i = 0; i < n; i++) {
            float v = plain_flush(plain_pointwise(function, state[i], 0.3f, 0.7f));
            check("apply", 1000 * function + i, v, out[i]);
        }
    }
    left[0] = 1e-20f;
    right[0] = 1e-20f;
    sg_multiply(s, left, right, out);
    for (int64_t i = 0; i < n; i++) {
        check("multiply", i, plain_flush(left[i] * right[i]), out[i]);
    }
    memcpy(out, before, (size_t)s * 4);
    sg_add_product(s, left, right, out);
    for (int64_t i = 0; i < n; i++) {
        check("add_product", i, fmaf(left[i], right[i], before[i]), out[i]);
    }
    memcpy(h, before, (size_t)s * 4);
    sg_carry(s, left, right, value, h);
    for (int64_t i = 0; i < n; i++) {
        float added = right[i] * value[i];
        check("carry", i, plain_flush(fmaf(left[i], before[i], added)), h[i]);
    }
    memcpy(h, before, (size_t)s * 4);
    sg_blend(s, z, value, h);
    for (int64_t i = 0; i < n; i++) {
        check("blend", i, plain_blend(z[i], value[i], before[i]), h[i]);
    }

    sg_softmax(n, s, state, bias, out);
    float max = state[0] + bias[0];
    for (int64_t i = 0; i < n; i++) {
        float v = state[i] + bias[i];
        max = v > max ? v : max;
    }
    float *ones = floats(s), *e = floats(s);
    for (int64_t i = 0; i < n; i++) {
        ones[i] = 1.0f;
        e[i] = plain_exp((state[i] + bias[i]) - max);
    }
    float sum = row_sum(e, ones, s);
    for (int64_t i = 0; i < s; i++) {
        check("softmax", i, i < n ? e[i] / sum : 0.0f, out[i]);
    }
    free(a);
    free(z);
    free(state);
    free(input);
    free(bias);
    free(h);
    free(before);
    free(out);
    free(indices);
    free(ones);
    free(e);
}

int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : "";
    const char *tier = sg_choose_tier(wanted);
    if (tier == NULL || (wanted[0] != '\0' && strcmp(tier, wanted) != 0)) {
        printf("tier %s: not on this CPU\n", wanted);
        return 77;
    }
#if defined(__x86_64__)
    unsigned control = _mm_getcsr();
#endif
    for (int64_t groups = 1; groups <= 11; groups += 2) {
        for (int64_t rows = 1; rows <= 3; rows++) {
            test_rows(groups, rows, 1, 0, 0);
            test_rows(groups, rows, 33, rows, 27);
            test_rows(groups, rows, 97, 4 - rows, 160);
            test_rows(groups, 0, 1, rows, 31);
        }
    }
    for (int streams = 1; streams <= MOST_STREAMS; streams += 2) {
        for (int all = 0; all < 2; all++) {
            test_rows_of_streams(7, 2, 70, 2, 27, streams, all);
            test_rows_of_streams(5, 3, 33, 0, 1, streams, all);
            test_rows_of_streams(9, 0, 1, 1, 130, streams, all);
        }
        /* More rows than one chunk. */
        test_rows_of_streams(150, 0, 1, 1, 1000, streams, 1);
        test_blocks(5, 16, 2, 70, 2, 27, streams);
        test_blocks(4, 64, 2, 33, 2, 9, streams);
        test_blocks(6, 5, 3, 30, 1, 41, streams);
        test_blocks(1, 100, 0, 1, 1, 16, streams);
        test_blocks(8, 2, 1, 16, 3, 5, streams);
        test_blocks(4, 24, 2, 96, 1, 7, streams);
    }
    for (int64_t n = 1; n <= 130; n += 13) {
        test_cells(n, 0.1f);
        test_cells(n, 4.0f);
        test_cells(n, 200.0f);
    }
#if defined(__x86_64__)
    /* Sticky exception flags may be raised; the control bits must be as they were. */
    if ((_mm_getcsr() & ~0x3fu) != (control & ~0x3fu)) {
        failures++;
        printf("MXCSR was changed\n");
    }
#endif
    printf("tier %s: %s\n", tier, failures ? "FAILED" : "ok");
    return failures ? 1 : 0;
}
