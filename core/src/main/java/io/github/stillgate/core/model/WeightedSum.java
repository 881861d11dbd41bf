package io.github.stillgate.core.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * A sum of vectors value by value, {@code y_i = f(sum_k w_(k,c) x_(k,i) + b_c)} with {@code c = i
 * mod channels}: a depthwise convolution over shifted inputs, or with one term a scale and a shift.
 *
 * <p>The sum begins with b and is a chain of fused multiply-adds in the order of the terms.
 *
 * @param name of the layer and of what it gives
 * @param width values of each term, a multiple of the channels
 * @param w terms x channels
 * @param b channels
 * @param activation f
 */
public record WeightedSum(
    String name, int width, Matrix w, Matrix b, Activation.Elementwise activation)
    implements Operation {
  /** Checks that the shapes agree. */
  public WeightedSum {
    Operation.requireWidth(name, width);
    b.requireLength(w.columns());
    if (width % w.columns() != 0) {
      throw new IllegalArgumentException(
          "layer %s: a width of %d is no multiple of %d channels"
              .formatted(name, width, w.columns()));
    }
  }

  /** Number of vectors it reads. */
  public int terms() {
    return w.rows();
  }

  /** Number of weights of a term; they are repeated over its width. */
  public int channels() {
    return w.columns();
  }

  @Override
  public List<Integer> inputWidths() {
    return Collections.nCopies(terms(), width);
  }

  @Override
  public int outputs() {
    return width;
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("W", w);
    tensors.put("b", b);
    return tensors;
  }
}
