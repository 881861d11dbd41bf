/*
 * exp, sigmoid and tanh exactly as the Java class Elementary writes them: the same constants, the same
 * operations in the same order. Expects the vector operations of a tier to be in scope.
 */
#define EXP_LIMIT 86.0f
#define LOG2_E 0x1.715476p0f
#define ROUNDING 0x1.8p23f
#define LN2_HIGH 0x1.63p-1f
#define LN2_LOW (-0x1.bd0106p-13f)
#define E0 0x1p-1f
#define E1 0x1.555486p-3f
#define E2 0x1.555454p-5f
#define E3 0x1.124148p-7f
#define E4 0x1.6dbc64p-10f
#define TANH_POLYNOMIAL_BELOW 0.625f
#define T0 (-0x1.555534p-2f)
#define T1 0x1.110768p-3f
#define T2 (-0x1.b84448p-5f)
#define T3 0x1.5256cep-6f
#define T4 (-0x1.76abf6p-8f)
#define FLUSH_BELOW 1e-30f

static inline vf v_exp(vf x) {
    vf clamped = v_select(v_gt(x, v_set(EXP_LIMIT)), v_set(EXP_LIMIT), x);
    clamped = v_select(v_lt(clamped, v_set(-EXP_LIMIT)), v_set(-EXP_LIMIT), clamped);
    vf shifted = v_fma(clamped, v_set(LOG2_E), v_set(ROUNDING));
    vf n = v_sub(shifted, v_set(ROUNDING));
    vf r = v_fma(n, v_set(-LN2_HIGH), clamped);
    r = v_fma(n, v_set(-LN2_LOW), r);
    vf p = v_fma(r, v_set(E4), v_set(E3));
    p = v_fma(r, p, v_set(E2));
    p = v_fma(r, p, v_set(E1));
    p = v_fma(r, p, v_set(E0));
    p = v_fma(v_mul(r, r), p, r);
    p = v_add(p, v_set(1.0f));
    return v_mul(p, v_power_of_two(shifted));
}

static inline vf v_sigmoid(vf x) {
    return v_div(v_set(1.0f), v_add(v_set(1.0f), v_exp(v_negate(x))));
}

static inline vf v_tanh(vf x) {
    vf magnitude = v_abs(x);
    vf s = v_mul(x, x);
    vf p = v_fma(s, v_set(T4), v_set(T3));
    p = v_fma(s, p, v_set(T2));
    p = v_fma(s, p, v_set(T1));
    p = v_fma(s, p, v_set(T0));
    vf small = v_fma(v_mul(x, s), p, x);
    vf e = v_exp(v_add(magnitude, magnitude));
    vf large = v_sub(v_set(1.0f), v_div(v_set(2.0f), v_add(e, v_set(1.0f))));
    large = v_copy_sign(large, x);
    return v_select(v_lt(magnitude, v_set(TANH_POLYNOMIAL_BELOW)), small, large);
}

static inline vf v_flush(vf x) {
    return v_select(v_lt(v_abs(x), v_set(FLUSH_BELOW)), v_set(0.0f), x);
}
