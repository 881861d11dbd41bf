package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pairwise;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.MemorySegment;

/** The formulas of {@link VectorOps}, an element at a time. */
final class ReferenceVectors implements VectorOps {
  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    MemorySegment indices = set.indices();
    int count = 0;
    for (int i = 0; i < n; i++) {
      if (get(scores, i) > 0) {
        indices.setAtIndex(JAVA_INT, count++, i);
      }
    }
    set.count(count);
  }

  @Override
  public void add(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(left, i) + get(right, i));
    }
  }

  @Override
  public void subtract(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(left, i) - get(right, i));
    }
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(left, i) * get(right, i));
    }
  }

  @Override
  public void multiplyAdd(
      int n, MemorySegment left, MemorySegment right, MemorySegment addend, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, Math.fma(get(left, i), get(right, i), get(addend, i)));
    }
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, function.of(get(values, i), a, b));
    }
  }

  @Override
  public void combine(
      Pairwise function, int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, function.of(get(left, i), get(right, i)));
    }
  }

  @Override
  public void choose(
      int n, MemorySegment condition, MemorySegment yes, MemorySegment no, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(condition, i) > 0 ? get(yes, i) : get(no, i));
    }
  }

  @Override
  public void flush(int n, MemorySegment values, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, Elementary.flush(get(values, i)));
    }
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(values, i / blockUnits));
    }
  }

  @Override
  public void gather(int ranges, MemorySegment table, MemorySegment values, MemorySegment out) {
    long entry = 0;
    for (int range = 0; range < ranges; range++) {
      int at = table.getAtIndex(JAVA_INT, entry++);
      int count = table.getAtIndex(JAVA_INT, entry++);
      for (int i = 0; i < count; i++) {
        float value = values.getAtIndex(JAVA_FLOAT, table.getAtIndex(JAVA_INT, entry++));
        out.setAtIndex(JAVA_FLOAT, at + i, value);
      }
    }
  }

  @Override
  public void softmax(int n, MemorySegment values, MemorySegment out) {
    int padded = Lanes.padded(n);
    float max = get(values, 0);
    for (int i = 1; i < n; i++) {
      max = get(values, i) > max ? get(values, i) : max;
    }
    for (int i = 0; i < padded; i++) {
      set(out, i, i < n ? Elementary.exp(get(values, i) - max) : 0f);
    }
    float sum = tree(out, padded, 0, 1);
    for (int i = 0; i < padded; i++) {
      set(out, i, get(out, i) / sum);
    }
  }

  /**
   * The tree of {@link SumOrder#INTERLEAVED}: lanes {@code lane, lane + step, ...} of the 32
   * partial sums.
   */
  private static float tree(MemorySegment values, int padded, int lane, int step) {
    if (step < Lanes.COUNT) {
      return tree(values, padded, lane, 2 * step) + tree(values, padded, lane + step, 2 * step);
    }
    float sum = 0;
    for (int i = lane; i < padded; i += Lanes.COUNT) {
      sum += get(values, i);
    }
    return sum;
  }

  private static float get(MemorySegment values, int at) {
    return values.getAtIndex(JAVA_FLOAT, at);
  }

  private static void set(MemorySegment values, int at, float value) {
    values.setAtIndex(JAVA_FLOAT, at, value);
  }
}
