/* Rows of int8 of listed groups, against plain sums. */
#include <math.h>
#include <stdlib.h>

#include "plain.h"
#include "stillgate.h"
#include "tests.h"

enum { ROW = 64 };

/* `groups` groups of `rows` rows each over one operand of `width` values. */
void test_integer_rows(int64_t groups, int64_t rows, int64_t width) {
    int64_t stride = (width + ROW - 1) / ROW * ROW, all = groups * rows, columns = padded(width);
    int8_t *weights = (int8_t *)floats(padded(all * stride / 4 + 1));
    int64_t *at = malloc((size_t)groups * 8);
    int32_t *first = malloc((size_t)(groups + 1) * 4), *places = malloc((size_t)all * 4);
    int32_t *some = (int32_t *)floats(padded(groups));
    float *scales = floats(padded(all)), *sums = floats(padded(all)), *values = floats(columns);
    int8_t *bytes = (int8_t *)floats(padded(stride / 4));
    for (int64_t row = 0; row < all; row++) {
        /* Places in another order than the rows. */
        places[row] = (int32_t)((row % rows) * groups + row / rows);
        scales[places[row]] = fabsf(uniform());
        for (int64_t c = 0; c < width; c++) {
            weights[row * stride + c] = (int8_t)(uniform() * 127.4f);
        }
    }
    for (int64_t g = 0; g <= groups; g++) {
        first[g] = (int32_t)(g * rows);
        if (g < groups) {
            at[g] = g * rows * stride;
        }
    }
    int64_t count = 0;
    for (int64_t g = 0; g < groups; g++) {
        some[count] = (int32_t)g;
        count += uniform() > 0.0f;
    }
    float largest = 0.0f;
    for (int64_t i = 0; i < width; i++) {
        values[i] = uniform() * 3.0f;
        largest = fabsf(values[i]) > largest ? fabsf(values[i]) : largest;
    }
    sg_part part = {at, first, places, stride, 0, 0, 0};
    sg_pack pack = {weights, 1, &part};
    for (int is_fixed = 0; is_fixed < 2; is_fixed++) {
        for (int64_t row = 0; row < all; row++) {
            sums[row] = 77.0f;
        }
        /* The same, but by the fixed scale what is beyond it is clamped. */
        float fixed = 1.0f / 127.0f, scale = sg_round_bytes(columns, is_fixed ? fixed : 0.0f, values, bytes);
        check("scale", 0, is_fixed ? fixed : largest / 127.0f, scale);
        sg_multiply_rows_i8(&pack, 0, some, count, bytes, scales, scale, sums);
        for (int64_t g = 0, listed = 0; g < groups; g++) {
            int is_live = listed < count && some[listed] == g;
            listed += is_live;
            for (int64_t row = g * rows; row < (g + 1) * rows; row++) {
                int32_t sum = 0;
                for (int64_t c = 0; c < width; c++) {
                    float q = rintf(values[c] * (1.0f / scale));
                    q = q > 127.0f ? 127.0f : q < -127.0f ? -127.0f : q;
                    sum += weights[row * stride + c] * (int32_t)q;
                }
                float expected = is_live ? (float)sum * (scales[places[row]] * scale) : 77.0f;
                check("int8 rows", row, expected, sums[places[row]]);
            }
        }
    }
    free(at);
    free(first);
    free(places);
    free_floats((float *)weights);
    free_floats((float *)some);
    free_floats((float *)bytes);
    free_floats(scales);
    free_floats(sums);
    free_floats(values);
}
