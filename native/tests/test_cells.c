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
    for (int64_t i = 0; i < n; i++) {
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
            float c = plain_tanh(plain_fma(r, state[s + i], input[s + i]) + bias[s + i]);
            e = plain_blend(z[i], c, e);
        }
        check("conditional_gru", i, e, h[i]);
    }

    memcpy(h, before, (size_t)s * 4);
    sg_gru(s, state, input, bias, h);
    for (int64_t i = 0; i < n; i++) {
        float z = plain_sigmoid((input[i] + state[i]) + bias[i]);
        float r = plain_sigmoid((input[s + i] + state[s + i]) + bias[s + i]);
        float c = plain_tanh(plain_fma(r, state[2 * s + i], input[2 * s + i]) + bias[2 * s + i]);
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
        check("add_product", i, plain_fma(left[i], right[i], before[i]), out[i]);
    }
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
    float sum = row_sum(e, ones, n);
    for (int64_t i = 0; i < s; i++) {
        check("softmax", i, i < n ? e[i] / sum : 0.0f, out[i]);
    }
    free_floats(a);
    free_floats(z);
    free_floats(state);
    free_floats(input);
    free_floats(bias);
    free_floats(h);
    free_floats(before);
    free_floats(out);
    free_floats(ones);
    free_floats(e);
}
