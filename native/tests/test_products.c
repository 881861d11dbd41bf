/* Rows and blocks times vectors, alone and for many streams. */
#include <math.h>
#include <stdlib.h>

#include "plain.h"
#include "stillgate.h"
#include "tests.h"

/* A vector whose padding is poisoned. */
static float *vector(int64_t width, float scale) {
    float *p = floats(padded(width));
    fill(p, width, scale);
    poison(p, width);
    return p;
}

/* Rows of random weights; their padding is zero, as packing leaves it. */
static float *row_weights(const sg_rows *pack, int64_t groups, int64_t state_width,
                          int64_t input_width) {
    float *weights = floats(groups * pack->group_stride);
    float *row = weights;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t r = 0; r < pack->state_rows; r++, row += pack->state_stride) {
            fill(row, state_width, 1.0f);
        }
        for (int64_t r = 0; r < pack->input_rows; r++, row += pack->input_stride) {
            fill(row, input_width, 1.0f);
        }
    }
    return weights;
}

void test_rows(int64_t groups, int64_t state_rows, int64_t state_width, int64_t input_rows,
               int64_t input_width) {
    sg_rows pack = {0};
    pack.state_rows = state_rows;
    pack.state_stride = state_rows ? padded(state_width) : 0;
    pack.input_rows = input_rows;
    pack.input_stride = input_rows ? padded(input_width) : 0;
    pack.group_stride = state_rows * pack.state_stride + input_rows * pack.input_stride;
    pack.sum_stride = padded(groups);
    float *weights = row_weights(&pack, groups, state_width, input_width);
    pack.weights = weights;
    float *state = vector(state_width, 1.0f);
    float *input = vector(input_width, 3.0f);
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
            float e = is_live ? row_sum(at + r * pack.state_stride, state, state_width) : guard;
            check("state sum", g, e, state_sums[r * pack.sum_stride + g]);
        }
        at += state_rows * pack.state_stride;
        for (int64_t r = 0; r < input_rows; r++) {
            float e = is_live ? row_sum(at + r * pack.input_stride, input, input_width) : guard;
            check("input sum", g, e, input_sums[r * pack.sum_stride + g]);
        }
    }
    check("guard", 0, guard, state_sums[state_rows * pack.sum_stride]);
    check("guard", 1, guard, input_sums[input_rows * pack.sum_stride]);
    free_floats(weights);
    free_floats(state);
    free_floats(input);
    free_floats(state_sums);
    free_floats(input_sums);
    free(live);
}

/* Rows for many streams have the bits of each stream alone. */
void test_rows_of_streams(int64_t groups, int64_t state_rows, int64_t state_width,
                          int64_t input_rows, int64_t input_width, int streams, int all) {
    sg_rows pack = {0};
    pack.state_rows = state_rows;
    pack.state_stride = state_rows ? padded(state_width) : 0;
    pack.input_rows = input_rows;
    pack.input_stride = input_rows ? padded(input_width) : 0;
    pack.group_stride = state_rows * pack.state_stride + input_rows * pack.input_stride;
    pack.sum_stride = padded(groups);
    float *weights = row_weights(&pack, groups, state_width, input_width);
    pack.weights = weights;
    float *addresses[4 * MOST_STREAMS] = {0};
    for (int s = 0; s < streams; s++) {
        addresses[s] = vector(state_width, 1.0f);
        addresses[MOST_STREAMS + s] = floats(state_rows * pack.sum_stride);
        addresses[2 * MOST_STREAMS + s] = vector(input_width, 2.0f);
        addresses[3 * MOST_STREAMS + s] = floats(input_rows * pack.sum_stride);
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
                check("rows of streams", g, row_sum(row, addresses[s], state_width),
                      addresses[MOST_STREAMS + s][r * pack.sum_stride + g]);
            }
            for (int64_t r = 0; r < input_rows; r++, row += pack.input_stride) {
                check("rows of streams", g,
                      row_sum(row, addresses[2 * MOST_STREAMS + s], input_width),
                      addresses[3 * MOST_STREAMS + s][r * pack.sum_stride + g]);
            }
        }
    }
    for (int i = 0; i < 4 * MOST_STREAMS; i++) {
        free_floats(addresses[i]);
    }
    free_floats(weights);
    free(starts);
    free(members);
}

static float chain(const float *panels, int64_t row, int64_t width, const float *vector) {
    float sum = 0;
    for (int64_t k = 0; k < width; k++) {
        sum = plain_fma(panels[(row / 32 * width + k) * 32 + row % 32], vector[k], sum);
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
void test_blocks(int64_t groups, int64_t units, int64_t state_rows, int64_t state_width,
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
        addresses[s] = vector(state_width, 1.0f);
        addresses[MOST_STREAMS + s] = floats(state_room);
        addresses[2 * MOST_STREAMS + s] = vector(input_width, 2.0f);
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
        free_floats(addresses[i]);
    }
    free_floats(weights);
    free(starts);
    free(members);
    free_floats(state_sums);
    free_floats(input_sums);
}
