package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/**
 * Operations of {@link VectorOps} an element at a time. Each function has a loop of its own, so
 * that no loop calls what it does not know.
 */
final class ScalarLoops {
  /** Of the sum of a row. */
  private static final int PARTIAL_SUMS = 16;

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

  static void rowSums(int rows, int columns, MemorySegment values, MemorySegment out) {
    for (int row = 0; row < rows; row++) {
      set(out, row, sum(values, row * columns, (row + 1) * columns));
    }
  }

  private static float sum(MemorySegment values, int from, int to) {
    return (everyFourth(values, from, to) + everyFourth(values, from + 2, to))
        + (everyFourth(values, from + 1, to) + everyFourth(values, from + 3, to));
  }

  /**
   * Every fourth of the partial sums and its share of the tree. Four at a time are locals whose
   * additions do not wait for each other.
   */
  private static float everyFourth(MemorySegment values, int from, int to) {
    float p0 = 0;
    float p4 = 0;
    float p8 = 0;
    float p12 = 0;
    int i = from;
    for (; i + 12 < to; i += PARTIAL_SUMS) {
      p0 += get(values, i);
      p4 += get(values, i + 4);
      p8 += get(values, i + 8);
      p12 += get(values, i + 12);
    }
    p0 += i < to ? get(values, i) : 0;
    p4 += i + 4 < to ? get(values, i + 4) : 0;
    p8 += i + 8 < to ? get(values, i + 8) : 0;
    return (p0 + p8) + (p4 + p12);
  }

  static void rowExtremes(
      int rows, int columns, float sign, MemorySegment values, MemorySegment out) {
    for (int row = 0; row < rows; row++) {
      int from = row * columns;
      float extreme = get(values, from);
      for (int i = from + 1; i < from + columns; i++) {
        float v = get(values, i);
        extreme = sign * v > sign * extreme ? v : extreme;
      }
      set(out, row, extreme);
    }
  }

  static void normalise(
      int rows, int columns, float epsilon, MemorySegment values, MemorySegment out) {
    for (int row = 0; row < rows; row++) {
      int from = row * columns;
      int to = from + columns;
      float mean = sum(values, from, to) / columns;
      for (int i = from; i < to; i++) {
        set(out, i, get(values, i) - mean);
      }
      float variance = squares(out, from, to, 0, 1) / columns;
      float deviation = (float) Math.sqrt(variance + epsilon);
      for (int i = from; i < to; i++) {
        set(out, i, Elementary.divide(get(out, i), deviation));
      }
    }
  }

  /** As {@link #sum}, of squares. */
  private static float squares(MemorySegment values, int from, int to, int lane, int step) {
    if (step < PARTIAL_SUMS) {
      return squares(values, from, to, lane, 2 * step)
          + squares(values, from, to, lane + step, 2 * step);
    }
    float sum = 0;
    for (int i = from + lane; i < to; i += PARTIAL_SUMS) {
      float v = get(values, i);
      sum = Math.fma(v, v, sum);
    }
    return sum;
  }

  static void matrixProduct(
      int rows,
      int inner,
      int columns,
      MemorySegment left,
      MemorySegment right,
      MemorySegment out) {
    for (int row = 0; row < rows; row++) {
      int to = row * columns;
      for (int column = 0; column < columns; column++) {
        set(out, to + column, 0);
      }
      for (int k = 0; k < inner; k++) {
        float factor = get(left, row * inner + k);
        for (int column = 0; column < columns; column++) {
          float sum = get(out, to + column);
          set(out, to + column, Math.fma(factor, get(right, k * columns + column), sum));
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
