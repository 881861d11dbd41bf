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

/* The rule of the Java class Movement in plain words; gives how many values were held back. */
static int64_t send_plainly(int64_t n, float scale, int threshold, int64_t most, const float *values, float *sent) {
    int64_t beyond = 0, left = most;
    for (int64_t i = 0; i < n; i++) {
        beyond += abs(quantized(values[i], scale) - (int)sent[i]) > threshold;
    }
    for (int magnitude = 254; magnitude > threshold; magnitude--) {
        for (int64_t i = 0; i < n; i++) {
            /* What was sent in this loop differs by 0 from then on. */
            if (abs(quantized(values[i], scale) - (int)sent[i]) == magnitude && left > 0) {
                sent[i] = (float)quantized(values[i], scale);
                left--;
            }
        }
    }
    return beyond > most ? beyond - most : 0;
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
    int32_t *moved = integers(columns);
    sg_terms *changes = integers(padded(2 * SG_TERMS_OF(columns) + columns)), *all_terms = integers(padded(2 * SG_TERMS_OF(columns) + columns));
    int32_t *kept = integers(kinds * stride);
    float *whole = floats(kinds * stride);
    for (int step = 0; step < STEPS; step++) {
        for (int64_t i = 0; i < width; i++) {
            if (step == 0 || uniform() > 0.6f - 0.3f * (float)step) {
                values[i] = uniform() * 1.002f;
            }
        }
        float fixed = 1.0f / 127.0f;
        int64_t count = sg_send_int8(columns, fixed, 0.0f, columns, values, NULL, sent, moved, changes);
        for (int64_t i = 0; i < count; i++) {
            check("order of moved values", i, 1.0f, i == 0 || moved[i] > moved[i - 1] ? 1.0f : 0.0f);
        }
        sg_multiply_tiles(&pack, 0, all, groups, changes, kept, scales, fixed, sums);
        float scale = sg_round_int8(columns, step % 2 ? fixed : 0.0f, values, all_terms);
        float largest = 0.0f;
        for (int64_t i = 0; i < width; i++) {
            largest = fabsf(values[i]) > largest ? fabsf(values[i]) : largest;
        }
        check("scale", step, step % 2 ? fixed : largest / 127.0f, scale);
        /* In two parts, as two threads have them. */
        int64_t cut = step % (groups + 1);
        sg_multiply_tiles(&pack, 0, all + cut, groups - cut, all_terms, NULL, scales, scale, whole);
        sg_multiply_tiles(&pack, 0, all, cut, all_terms, NULL, scales, scale, whole);
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
    /* Values that lag behind: over a few steps, with sums that know nothing of the first values sent. */
    float *lagging = floats(columns), *expected = floats(columns);
    for (int step = 0; step < STEPS; step++) {
        int threshold = 9 * (step % 3), is_cut = step % 2;
        int64_t most = is_cut ? 1 + width / 3 : columns;
        for (int64_t i = 0; i < width; i++) {
            values[i] = step % 3 == 2 ? values[i] : 0.8f * values[i] + 0.3f * uniform();
            lagging[i] = expected[i] = step == 3 ? (float)quantized(uniform(), 1.0f / 127.0f) : expected[i];
        }
        int64_t held = send_plainly(width, 1.0f / 127.0f, threshold, most, values, expected);
        sg_send_int8(columns, 1.0f / 127.0f, (float)threshold, most, values, lagging, sent, moved, changes);
        sg_multiply_tiles(&pack, 0, all, groups, changes, kept, scales, 1.0f / 127.0f, sums);
        check("values held back", step, (float)held, (float)changes->held_back);
        for (int64_t i = 0; i < width; i++) {
            check("values sent", i, expected[i], lagging[i]);
            check("values summed", i, expected[i], sent[i]);
        }
        for (int64_t k = 0; k < kinds; k++) {
            for (int64_t u = 0; u < units; u++) {
                int64_t row = k * stride + u;
                int32_t sum = 0;
                for (int64_t c = 0; c < width; c++) {
                    sum += plain[row * width + c] * (int)expected[c];
                }
                check("lagging columns", row, (float)sum * (scales[row] * (1.0f / 127.0f)), sums[row]);
            }
        }
    }
    free_floats(lagging);
    free_floats(expected);
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
    free_floats((float *)all_terms);
    free_floats((float *)kept);
}
