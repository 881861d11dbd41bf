package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Selection and the elementwise ends of layers. All segments are 64-byte aligned float32 and hold
 * the padded number of elements, {@code stride = RowLayout.padded(n)}; several rows of values
 * follow each other at that stride. What a cell leaves in the first n elements does not depend on
 * padding, which the package's page says more of.
 *
 * <p>Magnitudes below {@link Elementary#FLUSH_BELOW} become +0 exactly where a formula says {@code
 * flush}, and nowhere else.
 *
 * <p>Arguments must be finite. Methods are stateless and safe for any number of threads on separate
 * memory.
 */
public interface Cells {
  /**
   * Fills {@code set} with the i below {@code n} whose {@code scores[i] > 0}, ascending. The scores
   * stay as they are. Padding is never selected, whatever it holds: a number behind the last group
   * would have a pack read behind its end.
   */
  void selectPositive(int n, MemorySegment scores, ActiveSet set);

  /** {@code out[i] = sums[i] + bias[i]}; {@code out} may be {@code sums}. */
  void add(int n, MemorySegment sums, MemorySegment bias, MemorySegment out);

  /** {@code out[i] = (inputSums[i] + stateSums[i]) + bias[i]}; {@code out} may be a sum. */
  void addBoth(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out);

  /**
   * The bottleneck of eq. 8: {@code v = (inputSums[i] + stateSums[i]) + bias[i]}, {@code out[i] = v
   * > 0 ? v : +0}.
   */
  void relu(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out);

  /**
   * The gate of eq. 6: {@code out[i] = scores[i] > 0 ? tanh(scores[i]) : +0}, which is positive
   * exactly where the score is. {@code out} is other memory than {@code scores}.
   */
  void clippedTanh(int n, MemorySegment scores, MemorySegment out);

  /** One value a block, eq. 11: {@code out[i] = values[i / blockUnits]}. */
  void spread(int n, int blockUnits, MemorySegment values, MemorySegment out);

  /**
   * The gates of single units within live blocks: {@code gates[i] = gates[i] * sigmoid(sums[i] +
   * bias[i])}. Sums of still units may be stale, but must be finite; {@code sums} may be
   * overwritten with anything finite.
   */
  void scaleBySigmoid(int n, MemorySegment sums, MemorySegment bias, MemorySegment gates);

  /**
   * Finishes a conditional GRU, eq. 2, 4 and 5. For every i below n with {@code z[i] > 0}:
   *
   * <pre>
   *   r  = sigmoid((inputSums[i] + stateSums[i]) + bias[i])
   *   c  = tanh(fma(r, stateSums[stride + i], inputSums[stride + i]) + bias[stride + i])
   *   h[i] = flush(fma(z[i], c - h[i], h[i]))
   * </pre>
   *
   * Every other h[i] keeps its bits. Sums of still units may be stale, but must be finite. The
   * state sums may be overwritten with anything finite; the input sums stay, since a token's are
   * packed weights.
   */
  void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h);

  /**
   * Finishes an ordinary GRU with the reset after the matrix, eq. 1, 2, 4, 5; rows z, r, c:
   *
   * <pre>
   *   z  = sigmoid((inputSums[i] + stateSums[i]) + bias[i])
   *   r  = sigmoid((inputSums[stride + i] + stateSums[stride + i]) + bias[stride + i])
   *   c  = tanh(fma(r, stateSums[2 stride + i], inputSums[2 stride + i]) + bias[2 stride + i])
   *   h[i] = flush(fma(z, c - h[i], h[i]))
   * </pre>
   *
   * The state sums may be overwritten with anything finite; the input sums stay.
   */
  void gru(
      int n, MemorySegment stateSums, MemorySegment inputSums, MemorySegment bias, MemorySegment h);

  /**
   * {@code out[i] = flush(f(values[i]))}. The values stay; {@code out} is other memory.
   *
   * @param a first constant of the function
   * @param b its second constant
   */
  void apply(Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out);

  /** {@code out[i] = flush(left[i] * right[i])}; {@code out} may be either. */
  void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out);

  /** {@code out[i] = fma(left[i], right[i], out[i])}: the peepholes of an LSTM. */
  void addProduct(int n, MemorySegment left, MemorySegment right, MemorySegment out);

  /**
   * The memory of an LSTM: {@code state[i] = flush(fma(keep[i], state[i], gate[i] * value[i]))}.
   */
  void carry(
      int n, MemorySegment keep, MemorySegment gate, MemorySegment value, MemorySegment state);

  /** Eq. 4 for every unit: {@code h[i] = flush(fma(z[i], c[i] - h[i], h[i]))}. */
  void blend(int n, MemorySegment z, MemorySegment c, MemorySegment h);

  /**
   * {@code out = softmax(sums + bias)} over the first n elements; the padding of {@code out}
   * becomes +0.
   *
   * <p>e = exp(v - max), summed like a row of {@link RowLayout} (32 interleaved partial sums from
   * +0, by addition, then the tree), out = e / sum.
   */
  void softmax(int n, MemorySegment sums, MemorySegment bias, MemorySegment out);
}
