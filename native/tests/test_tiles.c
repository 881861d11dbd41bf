/* Tiles of int8 times all columns and times those that moved, against plain sums. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "stillgate.h"
#include "tests.h"

enum { TILE = 64, STEPS = 6 };

/* What the Java class Int8 calls q. */
static int quantized(float v, float scale) {
    float nearest = rintf(v * (1.0f / scale));
    return (int)(nearest > 127.0f ? 127.0f : nearest < -127.0f ? -127.0f : nearest);
}

static void *integers(int64_t n) { return floats(n); }

/* One operand of `width` values over `kinds` kinds of `units` units. */
void test_tiles(int64_t units, int64_t kinds, int64_t width) {
    int64_t stride = padded(units), groups = (units + TILE - 1) / TILE, columns = padded(width);
    int64_t bytes = kinds * stride * width;
    int8_t *weights = (int8_t *)floats(padded(bytes / 4 + 1));
    int64_t *at = malloc((size_t)groups * 8);
    int32_t *all = integers(padded(groups));
    float *scales = floats(kinds * stride);
    int8_t *plain = calloc((size_t)(kinds * stride * width), 1); /* row by row */
    int64_t begin = 0;
    for (int64_t g = 0; g < groups; g++) {
        int64_t rows = stride - g * TILE < TILE ? stride - g * TILE : TILE;
        at[g] = begin;
        all[g] = (int32_t)g;
        for (int64_t k = 0; k < kinds; k++) {
            for (int64_t u = 0; u < rows; u++) {
                int64_t row = k * stride + g * TILE + u;
                int is_there = g * TILE + u < units;
                scales[row] = is_there ? fabsf(uniform()) : 0.0f;
                for (int64_t c = 0; c < width; c++) {
                    int8_t w = (int8_t)(is_there ? (int)(uniform() * 127.4f) : 0);
                    plain[row * width + c] = w;
                    weights[begin + (k * width + c) * rows + u] = w;
                }
            }
        }
        begin += kinds * rows * width;
    }
    sg_part part = {at, NULL, NULL, width, kinds, 0, stride};
    sg_pack pack = {weights, 1, &part};
    float *values = floats(columns), *sent = floats(columns), *sums = floats(kinds * stride);
    int32_t *moved = integers(columns), *changes = integers(columns), *rounded = integers(columns);
    int32_t *kept = integers(kinds * stride);
    float *whole = floats(kinds * stride);
    for (int step = 0; step < STEPS; step++) {
        for (int64_t i = 0; i < width; i++) {
            if (step == 0 || uniform() > 0.6f - 0.3f * (float)step) {
                values[i] = uniform() * 1.002f;
            }
        }
        /* From the third step on some values are beyond it. */
        float fixed = step < 2 ? 1.0f / 127.0f : 0.7f / 127.0f;
        int64_t counts = sg_send_int8(columns, fixed, values, sent, moved, changes);
        int64_t count = counts & 0xffffffff, beyond = 0;
        for (int64_t i = 0; i < width; i++) {
            beyond += fabsf(rintf(values[i] * (1.0f / fixed))) > 127.0f;
        }
        check("clamped values", step, (float)beyond, (float)(counts >> 32));
        sg_multiply_tiles(&pack, 0, all, groups, count, moved, changes, kept, scales, fixed, sums);
        float scale = sg_round_int8(columns, step % 2 ? fixed : 0.0f, values, rounded);
        float largest = 0.0f;
        for (int64_t i = 0; i < width; i++) {
            largest = fabsf(values[i]) > largest ? fabsf(values[i]) : largest;
        }
        check("scale", step, step % 2 ? fixed : largest / 127.0f, scale);
        /* In two parts, as two threads have them. */
        int64_t cut = step % (groups + 1);
        sg_multiply_tiles(&pack, 0, all + cut, groups - cut, width, NULL, rounded, NULL, scales, scale, whole);
        sg_multiply_tiles(&pack, 0, all, cut, width, NULL, rounded, NULL, scales, scale, whole);
        for (int64_t k = 0; k < kinds; k++) {
            for (int64_t u = 0; u < units; u++) {
                int64_t row = k * stride + u;
                int32_t of_sent = 0, of_all = 0;
                for (int64_t c = 0; c < width; c++) {
                    of_sent += plain[row * width + c] * quantized(values[c], fixed);
                    of_all += plain[row * width + c] * quantized(values[c], scale);
                }
                check("moved columns", row, (float)of_sent * (scales[row] * fixed), sums[row]);
                check("all columns", row, (float)of_all * (scales[row] * scale), whole[row]);
            }
        }
    }
    free(at);
    free(plain);
    free_floats((float *)weights);
    free_floats((float *)all);
    free_floats(scales);
    free_floats(values);
    free_floats(sent);
    free_floats(sums);
    free_floats(whole);
    free_floats((float *)moved);
    free_floats((float *)changes);
    free_floats((float *)rounded);
    free_floats((float *)kept);
}
