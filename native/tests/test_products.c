/* Rows and panels times vectors, alone and for many streams, in both weight formats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "stillgate.h"
#include "tests.h"

enum { MOST_OPERANDS = 3 };

/* A pack with what it was made of: weight(o, k, u, c) is `weights[o]` of kind k, unit u, column c. */
typedef struct packed {
    shape s;
    int64_t groups;
    int64_t sum_stride;
    int64_t *at[MOST_OPERANDS];
    int32_t *first[MOST_OPERANDS];
    int32_t *sums[MOST_OPERANDS];
    float *rows[MOST_OPERANDS]; /* the rows that there are, one after the other, as they are widened */
    void *weights;
    int64_t elements;
    sg_part parts[MOST_OPERANDS];
    sg_pack pack;
} packed;

/* A vector whose padding is poisoned where rows are padded with zero, which hides it. */
static float *vector(int64_t width, float scale) {
    float *p = floats(padded(width));
    fill(p, width, scale);
    poison(p, width);
    return p;
}

/* As the Java enum WeightFormat rounds: to nearest, ties to even; weights here are far from the largest. */
static float rounded(float weight) {
    uint32_t bits;
    memcpy(&bits, &weight, 4);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
    memcpy(&weight, &bits, 4);
    return weight;
}

static void store(packed *p, int64_t at, float weight) {
    if (!p->s.bf16) {
        ((float *)p->weights)[at] = weight;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &weight, 4);
    /* 32 weights are 16 words: lower halves first. */
    int64_t lane = at % 32;
    ((uint16_t *)p->weights)[at - lane + 2 * (lane % 16) + lane / 16] = (uint16_t)(bits >> 16);
}

static packed *make(const shape *s) {
    static int made;
    packed *p = calloc(1, sizeof *p);
    p->s = *s;
    p->groups = (s->units + s->group_units - 1) / s->group_units;
    p->sum_stride = padded(s->units);
    int64_t at = 0;
    for (int64_t o = 0; o < s->operands; o++) {
        p->at[o] = malloc((size_t)p->groups * 8);
        p->first[o] = calloc((size_t)p->groups + 1, 4);
        p->sums[o] = malloc((size_t)(s->kinds[o] * s->units) * 4);
        p->rows[o] = floats(s->kinds[o] * s->units * s->widths[o]);
    }
    for (int64_t g = 0; g < p->groups; g++) {
        int64_t end = (g + 1) * s->group_units < s->units ? (g + 1) * s->group_units : s->units;
        for (int64_t o = 0; o < s->operands; o++) {
            int32_t row = p->first[o][g];
            p->at[o][g] = at;
            for (int64_t k = 0; k < s->kinds[o]; k++) {
                for (int64_t u = g * s->group_units; u < end; u++) {
                    if (!s->missing || uniform() > -0.5f) {
                        p->sums[o][row++] = (int32_t)(k * p->sum_stride + u);
                    }
                }
            }
            p->first[o][g + 1] = row;
            int64_t count = row - p->first[o][g];
            at += s->panels ? padded(count) * s->widths[o] : count * padded(s->widths[o]);
        }
    }
    p->elements = at;
    p->weights = floats(at);
    for (int64_t o = 0; o < s->operands; o++) {
        for (int64_t g = 0; g < p->groups; g++) {
            for (int32_t row = p->first[o][g]; row < p->first[o][g + 1]; row++) {
                int64_t r = row - p->first[o][g];
                for (int64_t c = 0; c < s->widths[o]; c++) {
                    float w = s->bf16 ? rounded(uniform()) : uniform();
                    p->rows[o][row * s->widths[o] + c] = w;
                    store(p, p->at[o][g] + (s->panels ? (r / 32 * s->widths[o] + c) * 32 + r % 32
                                                      : r * padded(s->widths[o]) + c), w);
                }
            }
        }
        sg_part part = {p->at[o], p->first[o], p->sums[o],
                        s->panels ? s->widths[o] : padded(s->widths[o]), 0, 0, 0};
        /* What may be declared regular is, every second time. */
        if (s->group_units == 1 && !s->missing && made % 2 == 0) {
            part.kinds = s->kinds[o];
            part.group_stride = p->elements / p->groups;
            part.sum_stride = p->sum_stride;
        }
        p->parts[o] = part;
    }
    sg_pack pack = {p->weights, s->operands, p->parts};
    p->pack = pack;
    made++;
    return p;
}

static void drop(packed *p) {
    for (int64_t o = 0; o < p->s.operands; o++) {
        free(p->at[o]);
        free(p->first[o]);
        free(p->sums[o]);
        free_floats(p->rows[o]);
    }
    free_floats(p->weights);
    free(p);
}

/* One chain: from +0 in ascending order. */
static float chain(const float *w, const float *x, int64_t width) {
    float sum = 0;
    for (int64_t k = 0; k < width; k++) {
        sum = plain_fma(w[k], x[k], sum);
    }
    return sum;
}

static float expected(const packed *p, int64_t o, int32_t row, const float *x) {
    const float *w = p->rows[o] + row * p->s.widths[o];
    return p->s.panels ? chain(w, x, p->s.widths[o]) : row_sum(w, x, p->s.widths[o]);
}

static void multiply(const packed *p, const int32_t *groups, int64_t count, float **addresses) {
    if (p->s.panels && p->s.bf16) {
        sg_multiply_panels_bf16(&p->pack, groups, count, addresses);
    } else if (p->s.panels) {
        sg_multiply_panels_f32(&p->pack, groups, count, addresses);
    } else if (p->s.bf16) {
        sg_multiply_rows_bf16(&p->pack, groups, count, addresses);
    } else {
        sg_multiply_rows_f32(&p->pack, groups, count, addresses);
    }
}

static void multiply_batch(const packed *p, int64_t from, int64_t to, const int32_t *starts,
                           const int32_t *members, float **addresses) {
    if (p->s.panels && p->s.bf16) {
        sg_multiply_panels_batch_bf16(&p->pack, from, to, starts, members, addresses, MOST_STREAMS);
    } else if (p->s.panels) {
        sg_multiply_panels_batch_f32(&p->pack, from, to, starts, members, addresses, MOST_STREAMS);
    } else if (p->s.bf16) {
        sg_multiply_rows_batch_bf16(&p->pack, from, to, starts, members, addresses, MOST_STREAMS);
    } else {
        sg_multiply_rows_batch_f32(&p->pack, from, to, starts, members, addresses, MOST_STREAMS);
    }
}

/* Still groups are poisoned: reading one shows up as NaN. */
static void poison_group(const packed *p, int64_t group) {
    int64_t end = group + 1 < p->groups ? p->at[0][group + 1] : p->elements;
    for (int64_t at = p->at[0][group]; at < end; at++) {
        if (p->s.bf16) {
            ((uint16_t *)p->weights)[at] = 0x7fc0;
        } else {
            ((float *)p->weights)[at] = NAN;
        }
    }
}

static const float GUARD = 12345.0f;

static float *guarded(int64_t n) {
    float *p = floats(n);
    for (int64_t i = 0; i < n; i++) p[i] = GUARD;
    return p;
}

/* Sums of the rows of live groups; everything else is as it was. */
static void check_sums(const char *what, const packed *p, int64_t o, const char *live,
                       const float *x, const float *sums) {
    int64_t n = (p->s.kinds[o] + 1) * p->sum_stride;
    float *all = guarded(n);
    for (int64_t g = 0; g < p->groups; g++) {
        for (int32_t row = p->first[o][g]; live[g] && row < p->first[o][g + 1]; row++) {
            all[p->sums[o][row]] = expected(p, o, row, x);
        }
    }
    for (int64_t i = 0; i < n; i++) {
        check(what, i, all[i], sums[i]);
    }
    free_floats(all);
}

/* One stream in two calls, with one operand left out if there is more than one. */
void test_products(const shape *s) {
    packed *p = make(s);
    int64_t out = s->operands > 1 && uniform() > 0.0f ? s->operands - 1 : -1;
    float *addresses[2 * MOST_OPERANDS] = {0};
    for (int64_t o = 0; o < s->operands; o++) {
        addresses[o] = o == out ? NULL : vector(s->widths[o], 1.0f + (float)o);
        addresses[s->operands + o] = guarded((s->kinds[o] + 1) * p->sum_stride);
    }
    char *live = calloc((size_t)p->groups, 1);
    int32_t *groups = malloc((size_t)p->groups * 4);
    int64_t count = 0;
    for (int64_t g = 0; g < p->groups; g++) {
        if (uniform() > -0.2f) {
            live[g] = 1;
            groups[count++] = (int32_t)g;
        } else {
            poison_group(p, g);
        }
    }
    int64_t cut = count / 3;
    multiply(p, groups, cut, addresses);
    multiply(p, groups + cut, count - cut, addresses);
    char *none = calloc((size_t)p->groups, 1);
    for (int64_t o = 0; o < s->operands; o++) {
        const float *sums = addresses[s->operands + o];
        check_sums(s->panels ? "panel sum" : "row sum", p, o, o == out ? none : live, addresses[o], sums);
        free_floats(addresses[o]);
        free_floats(addresses[s->operands + o]);
    }
    free(none);
    free(live);
    free(groups);
    drop(p);
}

/* Many streams, each live where it is, in two calls; or all of them live everywhere. */
void test_products_of_streams(const shape *s, int streams, int all) {
    packed *p = make(s);
    float *addresses[2 * MOST_OPERANDS * MOST_STREAMS] = {0};
    for (int i = 0; i < streams; i++) {
        for (int64_t o = 0; o < s->operands; o++) {
            addresses[o * MOST_STREAMS + i] = vector(s->widths[o], 1.0f);
            addresses[(s->operands + o) * MOST_STREAMS + i] = guarded((s->kinds[o] + 1) * p->sum_stride);
        }
    }
    char *live = calloc((size_t)(p->groups * streams), 1);
    int32_t *starts = calloc((size_t)p->groups + 1, 4);
    int32_t *members = malloc((size_t)(p->groups * streams) * 4);
    int32_t count = 0;
    for (int64_t g = 0; g < p->groups; g++) {
        starts[g] = count;
        for (int i = 0; i < streams; i++) {
            if (all || (g % 4 != 3 && uniform() > -0.4f)) {
                members[count++] = i;
                live[i * p->groups + g] = 1;
            }
        }
        if (count == starts[g]) {
            poison_group(p, g);
        }
    }
    starts[p->groups] = count;
    int64_t cut = p->groups / 2;
    if (all && !s->panels) {
        for (int half = 0; half < 2; half++) {
            int64_t from = half ? cut : 0, to = half ? p->groups : cut;
            if (s->bf16) {
                sg_multiply_all_rows_batch_bf16(&p->pack, from, to, streams, addresses, MOST_STREAMS);
            } else {
                sg_multiply_all_rows_batch_f32(&p->pack, from, to, streams, addresses, MOST_STREAMS);
            }
        }
    } else {
        multiply_batch(p, cut, p->groups, starts, members, addresses);
        multiply_batch(p, 0, cut, starts, members, addresses);
    }
    for (int i = 0; i < streams; i++) {
        for (int64_t o = 0; o < s->operands; o++) {
            float *x = addresses[o * MOST_STREAMS + i];
            float *sums = addresses[(s->operands + o) * MOST_STREAMS + i];
            check_sums(s->panels ? "panels of streams" : "rows of streams", p, o, live + i * p->groups,
                       x, sums);
            free_floats(x);
            free_floats(sums);
        }
    }
    free(live);
    free(starts);
    free(members);
    drop(p);
}
