#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

#if defined(_WIN32)
/* Windows has no aligned_alloc of C11. */
#include <malloc.h>
#define aligned_alloc(alignment, bytes) _aligned_malloc(bytes, alignment)
#define aligned_free _aligned_free
#else
#define aligned_free free
#endif

int failures;

int64_t padded(int64_t n) { return (n + 31) / 32 * 32; }

float *floats(int64_t n) {
    size_t bytes = (size_t)(n + 15) / 16 * 64;
    float *p = aligned_alloc(64, bytes ? bytes : 64);
    memset(p, 0, bytes);
    return p;
}

void free_floats(float *p) { aligned_free(p); }

static uint32_t seed = 20160311;

float uniform(void) {
    seed = seed * 1664525u + 1013904223u;
    return (float)(int32_t)seed * 0x1p-31f;
}

void fill(float *p, int64_t n, float scale) {
    for (int64_t i = 0; i < n; i++) {
        p[i] = scale * uniform();
    }
}

void poison(float *p, int64_t n) {
    for (int64_t i = n; i < padded(n); i++) {
        p[i] = 1.5f + fabsf(uniform());
    }
}

void check(const char *what, int64_t i, float expected, float actual) {
    if (memcmp(&expected, &actual, 4) != 0) {
        failures++;
        printf("%s[%ld]: expected %a, got %a\n", what, (long)i, expected, actual);
    }
}

/*
 * The product of two floats is exact in double. Its sum with c is rounded to odd: where it is not exact, the last
 * bit is set. double has more than two bits beyond float's, so rounding that once more gives what one rounding of
 * the exact sum gives (Boldo and Melquiond, 2008).
 */
float plain_fma(float a, float b, float c) {
    double product = (double)a * b;
    double sum = product + c;
    double of_c = sum - product;
    double error = (product - (sum - of_c)) + (c - of_c);
    uint64_t bits;
    memcpy(&bits, &sum, 8);
    if (isfinite(sum) && error != 0 && !(bits & 1)) {
        /* The neighbour on the side of the error; sum is not 0, or it would be exact. */
        bits += (error > 0) == (sum > 0) ? 1 : (uint64_t)-1;
        memcpy(&sum, &bits, 8);
    }
    return (float)sum;
}

float row_sum(const float *w, const float *x, int64_t width) {
    float p[32] = {0};
    for (int64_t k = 0; k < width; k++) {
        p[k % 32] = plain_fma(w[k], x[k], p[k % 32]);
    }
    for (int half = 16; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) {
            p[l] += p[l + half];
        }
    }
    return p[0];
}

float plain_exp(float x) {
    float c = x > 86.0f ? 86.0f : x;
    c = c < -86.0f ? -86.0f : c;
    float shifted = plain_fma(c, 0x1.715476p0f, 0x1.8p23f);
    float n = shifted - 0x1.8p23f;
    float r = plain_fma(n, -0x1.63p-1f, c);
    r = plain_fma(n, 0x1.bd0106p-13f, r);
    float p = plain_fma(r, 0x1.6dbc64p-10f, 0x1.124148p-7f);
    p = plain_fma(r, p, 0x1.555454p-5f);
    p = plain_fma(r, p, 0x1.555486p-3f);
    p = plain_fma(r, p, 0.5f);
    float square = r * r;
    p = plain_fma(square, p, r);
    p = p + 1.0f;
    return p * ldexpf(1.0f, (int)n);
}

float plain_sigmoid(float x) { return 1.0f / (1.0f + plain_exp(-x)); }

float plain_tanh(float x) {
    float m = fabsf(x);
    if (m < 0.625f) {
        float s = x * x;
        float p = plain_fma(s, -0x1.76abf6p-8f, 0x1.5256cep-6f);
        p = plain_fma(s, p, -0x1.b84448p-5f);
        p = plain_fma(s, p, 0x1.110768p-3f);
        p = plain_fma(s, p, -0x1.555534p-2f);
        float cube = x * s;
        return plain_fma(cube, p, x);
    }
    return copysignf(1.0f - 2.0f / (plain_exp(m + m) + 1.0f), x);
}

float plain_flush(float v) { return fabsf(v) < 1e-30f ? 0.0f : v; }

float plain_blend(float z, float c, float h) { return plain_flush(plain_fma(z, c - h, h)); }

float plain_pointwise(int function, float v, float a, float b) {
    switch (function) {
        case 0: return plain_sigmoid(v);
        case 1: return plain_tanh(v);
        case 2: return plain_fma(a, v, b);
        case 3: return v > a ? (v < b ? v : b) : a;
        case 4: return v > 0.0f ? v : a * v;
        case 5: return v > a ? v : 0.0f;
        case 6: return v > 0.0f ? v : a * (plain_exp(v) - 1.0f);
        default: return v / (1.0f + fabsf(v));
    }
}
