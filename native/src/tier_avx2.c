/* AVX2 and FMA: 8 lanes, four registers a row; two rows at once fill eight of the sixteen registers. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "tiers.h"

#define TIER avx2
#define LANES 8
#define ROWS 2
#define ROW_STREAMS 3
#define STREAMS 6
#define ACCUMULATORS 12

typedef __m256 vf;
typedef __m256 vm;

static inline vf v_load(const float *p) { return _mm256_load_ps(p); }
/* bfloat16 in the lower and in the upper halves of a register of words, widened. */
static inline vf v_lower(const uint16_t *words) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_load_si256((const __m256i *)words), 16));
}
static inline vf v_upper(const uint16_t *words) {
    return _mm256_castsi256_ps(_mm256_and_si256(_mm256_load_si256((const __m256i *)words), _mm256_set1_epi32((int)0xffff0000u)));
}
static inline void v_store(float *p, vf v) { _mm256_store_ps(p, v); }
static inline void v_store_anywhere(float *p, vf v) { _mm256_storeu_ps(p, v); }
static inline vf v_set(float v) { return _mm256_set1_ps(v); }
static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vm v_gt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
static inline vm v_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vf v_select(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
static inline int v_any(vm m) { return _mm256_movemask_ps(m) != 0; }
static inline vf v_abs(vf v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
static inline vf v_negate(vf v) { return _mm256_xor_ps(v, _mm256_set1_ps(-0.0f)); }
static inline vf v_copy_sign(vf magnitude, vf sign) {
    vf bit = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign));
}
static inline vf v_power_of_two(vf shifted) {
    __m256i bits = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}

/* Lane 0 of the tree + 4, + 2, + 1. */
static inline float v_tree(vf p) {
    __m128 p4 = _mm_add_ps(_mm256_castps256_ps128(p), _mm256_extractf128_ps(p, 1));
    __m128 p2 = _mm_add_ps(p4, _mm_movehl_ps(p4, p4));
    return _mm_cvtss_f32(_mm_add_ss(p2, _mm_movehdup_ps(p2)));
}

typedef __m256i vi;

static inline void v_store_integers(int32_t *p, vi v) { _mm256_store_si256((__m256i *)p, v); }
static inline vf v_float(vi v) { return _mm256_cvtepi32_ps(v); }
/* From any address: changes follow the terms. */
static inline vi v_load_integers(const int32_t *p) { return _mm256_loadu_si256((const vi *)p); }
static inline vi v_times_64(vi v) { return _mm256_slli_epi32(v, 6); }
static inline vi v_integers(vf v) { return _mm256_cvtps_epi32(v); }
static inline vi v_count_from(int32_t i, int32_t by) {
    vi lanes = _mm256_setr_epi32(0, by, 2 * by, 3 * by, 4 * by, 5 * by, 6 * by, 7 * by);
    return _mm256_add_epi32(_mm256_set1_epi32(i), lanes);
}
/* Half by half: a table for eight lanes is 2 KB in the first cache. */
static inline int64_t v_put_chosen(vm chosen, vi v, int32_t *to) {
    int lanes = _mm256_movemask_ps(chosen), lower = lanes & 15, upper = lanes >> 4;
    __m128 first = _mm_castsi128_ps(_mm256_castsi256_si128(v));
    __m128 second = _mm_castsi128_ps(_mm256_extracti128_si256(v, 1));
    int count = __builtin_popcount((unsigned)lower);
    _mm_storeu_ps((float *)to, _mm_permutevar_ps(first, _mm_load_si128((const __m128i *)CHOSEN_FIRST[lower])));
    _mm_storeu_ps((float *)to + count, _mm_permutevar_ps(second, _mm_load_si128((const __m128i *)CHOSEN_FIRST[upper])));
    return count + __builtin_popcount((unsigned)upper);
}
static inline int64_t v_put_chosen_bytes(vm chosen, vi v, uint8_t *to) {
    int lanes = _mm256_movemask_ps(chosen), lower = lanes & 15, upper = lanes >> 4;
    __m128i first = _mm256_castsi256_si128(v), second = _mm256_extracti128_si256(v, 1);
    int count = __builtin_popcount((unsigned)lower);
    _mm_storeu_si32(to, _mm_shuffle_epi8(first, _mm_loadu_si32(CHOSEN_BYTES_FIRST[lower])));
    _mm_storeu_si32(to + count, _mm_shuffle_epi8(second, _mm_loadu_si32(CHOSEN_BYTES_FIRST[upper])));
    return count + __builtin_popcount((unsigned)upper);
}

static inline vi v_set_integers(int32_t i) { return _mm256_set1_epi32(i); }
static inline vi v_negate_integers(vi v) { return _mm256_sub_epi32(_mm256_setzero_si256(), v); }

/* Sums of rows 0 .. 3 and 16 .. 19, of 4 .. 7 and 20 .. 23, and so on: what unpacking within halves gives. */
static inline void v_quads(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, int rows, vi *quads) {
    (void)rows;
    vi p = _mm256_load_si256((const vi *)a), q = _mm256_load_si256((const vi *)b);
    vi r = _mm256_load_si256((const vi *)c), s = _mm256_load_si256((const vi *)d);
    vi lower = _mm256_unpacklo_epi8(p, q), upper = _mm256_unpackhi_epi8(p, q);
    vi others = _mm256_unpacklo_epi8(r, s), higher = _mm256_unpackhi_epi8(r, s);
    quads[0] = _mm256_unpacklo_epi16(lower, others);
    quads[1] = _mm256_unpackhi_epi16(lower, others);
    quads[2] = _mm256_unpacklo_epi16(upper, higher);
    quads[3] = _mm256_unpackhi_epi16(upper, higher);
}
/* Products of pairs are added in 16 bits: 2 x 127 x 127 fits. */
static inline vi v_add_quads(vi sums, vi quads, vi four) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(four, quads), _mm256_set1_epi16(1)));
}
/* With sixteen registers gcc would take the operations on two blocks of rows together, and spill. */
#define V_STAY(v) __asm__("" : "+x"((v)[0]), "+x"((v)[1]), "+x"((v)[2]), "+x"((v)[3]))
static inline void v_enter(const int32_t *from, int rows, vi *sums) {
    (void)rows;
    for (int j = 0; j < 2; j++) {
        const vi *half = (const vi *)from + j;
        vi lower = from ? _mm256_load_si256(half) : _mm256_setzero_si256();
        vi upper = from ? _mm256_load_si256(half + 2) : lower;
        sums[2 * j] = _mm256_permute2x128_si256(lower, upper, 0x20);
        sums[2 * j + 1] = _mm256_permute2x128_si256(lower, upper, 0x31);
    }
}
static inline void v_leave(const vi *sums, vi *out) {
    for (int j = 0; j < 2; j++) {
        out[j] = _mm256_permute2x128_si256(sums[2 * j], sums[2 * j + 1], 0x20);
        out[2 + j] = _mm256_permute2x128_si256(sums[2 * j], sums[2 * j + 1], 0x31);
    }
}

/* Magnitudes go with weights that have taken the signs: pmaddubsw multiplies unsigned by signed bytes. */
typedef struct vx {
    vi bytes, magnitudes;
} vx;

static inline vx v_bytes(const int8_t *p) {
    vi bytes = _mm256_load_si256((const vi *)p);
    return (vx){bytes, _mm256_abs_epi8(bytes)};
}
static inline vi v_add_dot(vi sums, const int8_t *w, vx x) {
    return v_add_quads(sums, _mm256_sign_epi8(_mm256_load_si256((const vi *)w), x.bytes), x.magnitudes);
}
static inline int32_t v_total(vi v) {
    __m128i p = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    p = _mm_add_epi32(p, _mm_shuffle_epi32(p, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(p, _mm_shuffle_epi32(p, 0xb1)));
}

#include "kernels.inc"
