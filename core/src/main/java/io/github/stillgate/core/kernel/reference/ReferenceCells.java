package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;

/** The formulas of {@link Cells}, a unit at a time. */
final class ReferenceCells implements Cells {
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
  public void add(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(sums, i) + get(bias, i));
    }
  }

  @Override
  public void addBoth(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, preactivation(i, stateSums, inputSums, bias));
    }
  }

  @Override
  public void relu(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    for (int i = 0; i < n; i++) {
      float v = preactivation(i, stateSums, inputSums, bias);
      set(out, i, v > 0 ? v : 0f);
    }
  }

  @Override
  public void clippedTanh(int n, MemorySegment scores, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      float a = get(scores, i);
      set(out, i, a > 0 ? Elementary.tanh(a) : 0f);
    }
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, get(values, i / blockUnits));
    }
  }

  @Override
  public void scaleBySigmoid(int n, MemorySegment sums, MemorySegment bias, MemorySegment gates) {
    for (int i = 0; i < n; i++) {
      set(gates, i, get(gates, i) * Elementary.sigmoid(get(sums, i) + get(bias, i)));
    }
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int stride = RowLayout.padded(n);
    for (int i = 0; i < n; i++) {
      if (get(z, i) > 0) {
        float r = Elementary.sigmoid(preactivation(i, stateSums, inputSums, bias));
        blend(i, get(z, i), candidate(stride + i, r, stateSums, inputSums, bias), h);
      }
    }
  }

  @Override
  public void gru(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int stride = RowLayout.padded(n);
    for (int i = 0; i < n; i++) {
      float z = Elementary.sigmoid(preactivation(i, stateSums, inputSums, bias));
      float r = Elementary.sigmoid(preactivation(stride + i, stateSums, inputSums, bias));
      blend(i, z, candidate(2 * stride + i, r, stateSums, inputSums, bias), h);
    }
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, Elementary.flush(function.of(get(values, i), a, b)));
    }
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, Elementary.flush(get(left, i) * get(right, i)));
    }
  }

  @Override
  public void addProduct(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    for (int i = 0; i < n; i++) {
      set(out, i, Math.fma(get(left, i), get(right, i), get(out, i)));
    }
  }

  @Override
  public void carry(
      int n, MemorySegment keep, MemorySegment gate, MemorySegment value, MemorySegment state) {
    for (int i = 0; i < n; i++) {
      float added = get(gate, i) * get(value, i);
      set(state, i, Elementary.flush(Math.fma(get(keep, i), get(state, i), added)));
    }
  }

  @Override
  public void blend(int n, MemorySegment z, MemorySegment c, MemorySegment h) {
    for (int i = 0; i < n; i++) {
      blend(i, get(z, i), get(c, i), h);
    }
  }

  @Override
  public void softmax(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    int padded = RowLayout.padded(n);
    float max = get(sums, 0) + get(bias, 0);
    for (int i = 0; i < n; i++) {
      float v = get(sums, i) + get(bias, i);
      set(out, i, v);
      max = v > max ? v : max;
    }
    for (int i = 0; i < padded; i++) {
      set(out, i, i < n ? Elementary.exp(get(out, i) - max) : 0f);
    }
    float sum = tree(out, padded, 0, 1);
    for (int i = 0; i < padded; i++) {
      set(out, i, get(out, i) / sum);
    }
  }

  /**
   * The sum tree of {@link RowLayout}: lanes {@code lane, lane + step, ...} of the 32 partial sums.
   */
  private static float tree(MemorySegment values, int padded, int lane, int step) {
    if (step < RowLayout.LANES) {
      return tree(values, padded, lane, 2 * step) + tree(values, padded, lane + step, 2 * step);
    }
    float sum = 0;
    for (int i = lane; i < padded; i += RowLayout.LANES) {
      sum += get(values, i);
    }
    return sum;
  }

  private static float preactivation(
      int at, MemorySegment stateSums, MemorySegment inputSums, MemorySegment bias) {
    return (get(inputSums, at) + get(stateSums, at)) + get(bias, at);
  }

  private static float candidate(
      int at, float r, MemorySegment stateSums, MemorySegment inputSums, MemorySegment bias) {
    return Elementary.tanh(Math.fma(r, get(stateSums, at), get(inputSums, at)) + get(bias, at));
  }

  private static void blend(int at, float z, float c, MemorySegment h) {
    float before = get(h, at);
    set(h, at, Elementary.flush(Math.fma(z, c - before, before)));
  }

  private static float get(MemorySegment values, int at) {
    return values.getAtIndex(JAVA_FLOAT, at);
  }

  private static void set(MemorySegment values, int at, float value) {
    values.setAtIndex(JAVA_FLOAT, at, value);
  }
}
