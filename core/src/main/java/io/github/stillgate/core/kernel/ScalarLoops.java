package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/**
 * Operations of {@link VectorOps} an element at a time. Each function has a loop of its own, so
 * that no loop calls what it does not know.
 */
final class ScalarLoops {
  private ScalarLoops() {}

  static void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    switch (function) {
      case EXP -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.exp(get(values, i)));
        }
      }
      case LOG -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.log(get(values, i)));
        }
      }
      case SQRT -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.sqrt(get(values, i)));
        }
      }
      case POWER -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.power(get(values, i), a));
        }
      }
      case RECIPROCAL -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.clip(1f / get(values, i)));
        }
      }
      case ABS -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Math.abs(get(values, i)));
        }
      }
      case FLOOR -> {
        for (int i = 0; i < n; i++) {
          set(out, i, (float) Math.floor(get(values, i)));
        }
      }
      case ERF -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.erf(get(values, i)));
        }
      }
      case SOFTPLUS -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.softplus(get(values, i)));
        }
      }
      case GELU -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.gelu(get(values, i)));
        }
      }
      case SILU -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.silu(get(values, i)));
        }
      }
      case SIGMOID, TANH, AFFINE, CLAMP, LEAK, THRESHOLD, ELU, SOFTSIGN -> {
        for (int i = 0; i < n; i++) {
          set(out, i, function.of(get(values, i), a, b));
        }
      }
    }
  }

  static void combine(
      Pairwise function, int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    switch (function) {
      case DIVIDE -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.divide(get(left, i), get(right, i)));
        }
      }
      case MINIMUM -> {
        for (int i = 0; i < n; i++) {
          float l = get(left, i);
          float r = get(right, i);
          set(out, i, l < r ? l : r);
        }
      }
      case MAXIMUM -> {
        for (int i = 0; i < n; i++) {
          float l = get(left, i);
          float r = get(right, i);
          set(out, i, l > r ? l : r);
        }
      }
      case POWER -> {
        for (int i = 0; i < n; i++) {
          set(out, i, Elementary.power(get(left, i), get(right, i)));
        }
      }
      case LEAK -> {
        for (int i = 0; i < n; i++) {
          float l = get(left, i);
          set(out, i, l > 0 ? l : Elementary.clip(l * get(right, i)));
        }
      }
    }
  }

  private static float get(MemorySegment values, int at) {
    return values.getAtIndex(JAVA_FLOAT, at);
  }

  private static void set(MemorySegment values, int at, float value) {
    values.setAtIndex(JAVA_FLOAT, at, value);
  }
}
