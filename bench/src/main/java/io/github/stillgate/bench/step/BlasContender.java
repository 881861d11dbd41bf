package io.github.stillgate.bench.step;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.kernel.ffm.Blas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What one writes around a BLAS: a {@code sgemv} over the input and one over the state, and a plain
 * loop over the units, with {@link Math}'s functions.
 */
final class BlasContender implements Contender {
  private final Arena memory = Arena.ofConfined();
  private final Blas blas;
  private final boolean lstm;
  private final int n;
  private final int rows;
  private final int inputs;
  private final double bytes;
  private final MemorySegment w;
  private final MemorySegment u;
  private final float[] b;
  private final MemorySegment x;
  private final MemorySegment h;
  private final MemorySegment overX;
  private final MemorySegment overH;
  private final float[] sumsX;
  private final float[] sumsH;
  private final float[] state;
  private final float[] cells;

  BlasContender(Layer layer, Blas blas) {
    GatedLayer gated = GatedLayer.of(layer);
    this.blas = blas;
    this.lstm = gated.isLstm();
    this.n = gated.units();
    this.inputs = layer.inputs();
    this.rows = n * gated.gates().size();
    this.bytes = GatedLayer.bytes(layer, 4);
    this.w = PackMemory.allocate(4L * rows * inputs, memory);
    this.u = PackMemory.allocate(4L * rows * n, memory);
    MemorySegment.copy(gated.w(), 0, w, JAVA_FLOAT, 0, rows * inputs);
    MemorySegment.copy(gated.u(), 0, u, JAVA_FLOAT, 0, rows * n);
    this.b = gated.b();
    this.x = memory.allocate(4L * inputs, 64);
    this.h = memory.allocate(4L * n, 64);
    this.overX = memory.allocate(4L * rows, 64);
    this.overH = memory.allocate(4L * rows, 64);
    this.sumsX = new float[rows];
    this.sumsH = new float[rows];
    this.state = new float[n];
    this.cells = new float[n];
  }

  @Override
  public void step(Feed feed, float[] out) {
    MemorySegment.copy(feed.x(), 0, x, JAVA_FLOAT, 0, inputs);
    blas.sgemv(rows, inputs, w, x, overX);
    blas.sgemv(rows, n, u, h, overH);
    MemorySegment.copy(overX, JAVA_FLOAT, 0, sumsX, 0, rows);
    MemorySegment.copy(overH, JAVA_FLOAT, 0, sumsH, 0, rows);
    if (lstm) {
      finishLstm();
    } else {
      finishGru();
    }
    MemorySegment.copy(state, 0, h, JAVA_FLOAT, 0, n);
    System.arraycopy(state, 0, out, 0, n);
  }

  /** The stacked z is the share of the old state. */
  private void finishGru() {
    for (int i = 0; i < n; i++) {
      float r = sigmoid(sumsX[i] + sumsH[i] + b[i]);
      float z = sigmoid(sumsX[n + i] + sumsH[n + i] + b[n + i]);
      float c = (float) Math.tanh(sumsX[2 * n + i] + b[2 * n + i] + r * sumsH[2 * n + i]);
      state[i] = (1 - z) * c + z * state[i];
    }
  }

  private void finishLstm() {
    for (int k = 0; k < n; k++) {
      float i = sigmoid(sumsX[k] + sumsH[k] + b[k]);
      float f = sigmoid(sumsX[n + k] + sumsH[n + k] + b[n + k]);
      float g = (float) Math.tanh(sumsX[2 * n + k] + sumsH[2 * n + k] + b[2 * n + k]);
      float o = sigmoid(sumsX[3 * n + k] + sumsH[3 * n + k] + b[3 * n + k]);
      cells[k] = f * cells[k] + i * g;
      state[k] = o * (float) Math.tanh(cells[k]);
    }
  }

  private static float sigmoid(float value) {
    return (float) (1 / (1 + Math.exp(-value)));
  }

  @Override
  public Work work() {
    return Work.whole(bytes);
  }

  @Override
  public void close() {
    memory.close();
  }
}
