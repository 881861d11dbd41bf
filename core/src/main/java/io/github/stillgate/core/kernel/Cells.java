package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The elementwise ends of layers. Segments are as in {@link VectorOps}; several rows of values
 * follow each other at {@code stride = Lanes.padded(n)}. Sums and biases are only read. Everywhere
 * the sums over the input come before those over the state.
 *
 * <p>{@code scratch} is {@link #SCRATCH_ROWS} rows of memory that no other argument shares; what it
 * holds afterwards is not said.
 *
 * <p>Magnitudes below {@link Elementary#FLUSH_BELOW} become +0 exactly where a formula says {@code
 * flush}: where a state is written.
 */
public interface Cells {
  /** Rows of scratch that a cell may use. */
  int SCRATCH_ROWS = 3;

  /** {@code out[i] = (x[i] + h[i]) + bias[i]}; {@code out} may be {@code x} or {@code h}. */
  void preactivate(int n, MemorySegment x, MemorySegment h, MemorySegment bias, MemorySegment out);

  /**
   * Finishes a conditional GRU, eq. 2, 4 and 5; rows r, c. For every i below n with {@code z[i] >
   * 0}:
   *
   * <pre>
   *   r  = sigmoid((x[i] + h[i]) + bias[i])
   *   c  = tanh(fma(r, h[stride + i], x[stride + i]) + bias[stride + i])
   *   state[i] = flush(fma(z[i], c - state[i], state[i]))
   * </pre>
   *
   * Every other state[i] keeps its bits. Sums of still units may be stale, but must be finite.
   */
  void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state);

  /**
   * Finishes an ordinary GRU with the reset after the matrix, eq. 1, 2, 4, 5; rows z, r, c:
   *
   * <pre>
   *   z  = sigmoid((x[i] + h[i]) + bias[i])
   *   r  = sigmoid((x[stride + i] + h[stride + i]) + bias[stride + i])
   *   c  = tanh(fma(r, h[2 stride + i], x[2 stride + i]) + bias[2 stride + i])
   *   state[i] = flush(fma(z, c - state[i], state[i]))
   * </pre>
   */
  void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state);

  /**
   * The same with a bias inside the reset product: {@code c = tanh(fma(r, h[2 stride + i] +
   * inner[i], x[2 stride + i]) + bias[2 stride + i])}.
   */
  void biasedGru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment inner,
      MemorySegment scratch,
      MemorySegment state);

  /** Eq. 4 for every unit: {@code state[i] = flush(fma(z[i], c[i] - state[i], state[i]))}. */
  void blend(int n, MemorySegment z, MemorySegment c, MemorySegment scratch, MemorySegment state);

  /**
   * The memory of an LSTM: {@code state[i] = flush(fma(keep[i], state[i], gate[i] * value[i]))}.
   */
  void carry(
      int n,
      MemorySegment keep,
      MemorySegment gate,
      MemorySegment value,
      MemorySegment scratch,
      MemorySegment state);
}
