/* Selection and the elementwise ends of layers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "stillgate.h"
#include "tests.h"

/* Whatever stands behind n, an index of n and beyond is never live. */
static void test_selection(int64_t n, const float *scores) {
    static const float BEHIND[] = {1.0f, 0x1p-149f, INFINITY, NAN, 0.0f};
    int64_t s = padded(n);
    float *a = floats(s);
    int32_t *indices = malloc((size_t)s * 4);
    memcpy(a, scores, (size_t)n * 4);
    for (size_t c = 0; c < sizeof BEHIND / sizeof BEHIND[0]; c++) {
        for (int64_t i = n; i < s; i++) {
            a[i] = BEHIND[c];
        }
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
            printf("select of %ld with %g behind them: %ld live, expected %ld\n", (long)n,
                   (double)BEHIND[c], (long)live, (long)expected);
        }
    }
    free_floats(a);
    free(indices);
}

/* Operations on vectors, into memory of their own and over their first input. */
static void test_operations(int64_t n, float scale) {
    int64_t s = padded(n);
    float *a = floats(s), *b = floats(s), *c = floats(s), *out = floats(s), *over = floats(s);
    fill(a, n, scale);
    fill(b, n, scale);
    fill(c, n, 1.0f);
    a[0] = 1e-31f;
    b[n - 1] = -0.0f;
    poison(a, n);
    poison(b, n);
    poison(c, n);
#define OPERATION(name, call, over_call, formula)                                                      \
    memcpy(over, a, (size_t)s * 4);                                                                    \
    call;                                                                                              \
    over_call;                                                                                         \
    for (int64_t i = 0; i < n; i++) {                                                                  \
        check(name, i, formula, out[i]);                                                               \
        check(name " in place", i, formula, over[i]);                                                  \
    }
    OPERATION("add", sg_add(s, a, b, out), sg_add(s, over, b, over), a[i] + b[i])
    OPERATION("subtract", sg_subtract(s, a, b, out), sg_subtract(s, over, b, over), a[i] - b[i])
    OPERATION("multiply", sg_multiply(s, a, b, out), sg_multiply(s, over, b, over), a[i] * b[i])
    OPERATION("multiply_add", sg_multiply_add(s, a, b, c, out), sg_multiply_add(s, over, b, c, over),
              plain_fma(a[i], b[i], c[i]))
    OPERATION("choose", sg_choose(s, a, b, c, out), sg_choose(s, over, b, c, over),
              a[i] > 0.0f ? b[i] : c[i])
    OPERATION("flush", sg_flush(s, a, out), sg_flush(s, over, over), plain_flush(a[i]))
    for (int function = 0; function < 8; function++) {
        OPERATION("apply", sg_apply(function, 0.3f, 0.7f, s, a, out),
                  sg_apply(function, 0.3f, 0.7f, s, over, over),
                  plain_pointwise(function, a[i], 0.3f, 0.7f))
    }
    float max = a[0];
    for (int64_t i = 0; i < n; i++) {
        max = a[i] > max ? a[i] : max;
    }
    float *ones = floats(s), *e = floats(s);
    for (int64_t i = 0; i < n; i++) {
        ones[i] = 1.0f;
        e[i] = plain_exp(a[i] - max);
    }
    float sum = row_sum(e, ones, n);
    OPERATION("softmax", sg_softmax(n, s, a, out), sg_softmax(n, s, over, over), e[i] / sum)
    for (int64_t i = n; i < s; i++) {
        check("softmax", i, 0.0f, out[i]);
    }
#undef OPERATION
    for (int64_t units = 1; units <= n; units++) {
        sg_spread(n, units, a, out);
        for (int64_t i = 0; i < n; i++) {
            check("spread", i, a[i / units], out[i]);
        }
    }
    free_floats(a);
    free_floats(b);
    free_floats(c);
    free_floats(out);
    free_floats(over);
    free_floats(ones);
    free_floats(e);
}

void test_cells(int64_t n, float scale) {
    int64_t s = padded(n);
    float *a = floats(s), *state = floats(3 * s), *input = floats(3 * s), *bias = floats(3 * s);
    float *h = floats(s), *before = floats(s), *out = floats(s);
    fill(a, n, scale);
    poison(a, n);
    for (int row = 0; row < 3; row++) {
        fill(state + row * s, n, scale);
        fill(input + row * s, n, scale);
        fill(bias + row * s, n, 0.5f);
        poison(state + row * s, n);
        poison(input + row * s, n);
        poison(bias + row * s, n);
    }
    fill(h, n, 1.0f);
    poison(h, n);
    a[0] = n > 1 ? 0.0f : a[0];
    h[n - 1] = 1e-31f;
    memcpy(before, h, (size_t)s * 4);

    test_selection(n, a);

    sg_preactivate(s, input, state, bias, out);
    for (int64_t i = 0; i < n; i++) {
        check("preactivate", i, (input[i] + state[i]) + bias[i], out[i]);
    }
    test_operations(n, scale);
    float *z = floats(s);
    for (int64_t i = 0; i < n; i++) {
        z[i] = a[i] > 0.0f ? plain_tanh(a[i]) : 0.0f;
    }
    poison(z, n);
    sg_conditional_gru(s, z, input, state, bias, h);
    for (int64_t i = 0; i < n; i++) {
        float e = before[i];
        if (a[i] > 0.0f) {
            float r = plain_sigmoid((input[i] + state[i]) + bias[i]);
            float c = plain_tanh(plain_fma(r, state[s + i], input[s + i]) + bias[s + i]);
            e = plain_blend(z[i], c, e);
        }
        check("conditional_gru", i, e, h[i]);
    }

    memcpy(h, before, (size_t)s * 4);
    sg_gru(n, s, input, state, bias, h);
    for (int64_t i = 0; i < n; i++) {
        float z = plain_sigmoid((input[i] + state[i]) + bias[i]);
        float r = plain_sigmoid((input[s + i] + state[s + i]) + bias[s + i]);
        float c = plain_tanh(plain_fma(r, state[2 * s + i], input[2 * s + i]) + bias[2 * s + i]);
        check("gru", i, plain_blend(z, c, before[i]), h[i]);
    }

    memcpy(h, before, (size_t)s * 4);
    sg_biased_gru(n, s, input, state, bias, a, h);
    for (int64_t i = 0; i < n; i++) {
        float z = plain_sigmoid((input[i] + state[i]) + bias[i]);
        float r = plain_sigmoid((input[s + i] + state[s + i]) + bias[s + i]);
        float sum = state[2 * s + i] + a[i];
        float c = plain_tanh(plain_fma(r, sum, input[2 * s + i]) + bias[2 * s + i]);
        check("biased_gru", i, plain_blend(z, c, before[i]), h[i]);
    }

    int32_t table[6] = {0, 1, (int32_t)(n - 1), (int32_t)(n - 1), 1, 0};
    sg_gather(2, table, a, out);
    check("gather", 0, n > 1 ? a[n - 1] : a[0], out[0]);
    check("gather", n - 1, a[0], out[n - 1]);

    float *left = input, *right = bias, *value = state + s;
    memcpy(h, before, (size_t)s * 4);
    sg_carry(s, left, right, value, h);
    for (int64_t i = 0; i < n; i++) {
        float added = right[i] * value[i];
        check("carry", i, plain_flush(plain_fma(left[i], before[i], added)), h[i]);
    }
    memcpy(h, before, (size_t)s * 4);
    sg_blend(s, z, value, h);
    for (int64_t i = 0; i < n; i++) {
        check("blend", i, plain_blend(z[i], value[i], before[i]), h[i]);
    }

    free_floats(a);
    free_floats(z);
    free_floats(state);
    free_floats(input);
    free_floats(bias);
    free_floats(h);
    free_floats(before);
    free_floats(out);
}
