package io.github.stillgate.bench.step;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.stillgate.core.model.Layer;
import java.nio.FloatBuffer;

/**
 * PyTorch by DJL: its own GRU or LSTM over a sequence of one step, arrays made and read in each
 * step, as DJL has no other way. One thread where the JVM was started with {@code
 * -Dai.djl.pytorch.num_threads=1}.
 */
final class TorchContender implements Contender {
  private final NDManager manager;
  private final boolean lstm;
  private final Shape inputShape;
  private final double bytes;
  private final NDList parameters = new NDList();
  private final NDList state = new NDList();

  /**
   * @throws AbsentException if PyTorch's natives are not on the class path
   */
  TorchContender(Layer layer) {
    GatedLayer gated = GatedLayer.of(layer);
    try {
      this.manager = NDManager.newBaseManager("PyTorch");
    } catch (EngineException | IllegalArgumentException | LinkageError missing) {
      throw new AbsentException(
          "PyTorch's natives are not on the class path (%s); leave -Dstillgate.noNatives away"
              .formatted(missing.getMessage()));
    }
    int n = gated.units();
    int rows = n * gated.gates().size();
    this.lstm = gated.isLstm();
    this.inputShape = new Shape(1, 1, layer.inputs());
    this.bytes = GatedLayer.bytes(layer, 4);
    parameters.add(manager.create(gated.w(), new Shape(rows, layer.inputs())));
    parameters.add(manager.create(gated.u(), new Shape(rows, n)));
    parameters.add(manager.create(gated.b(), new Shape(rows)));
    parameters.add(manager.zeros(new Shape(rows)));
    for (int part = 0; part < (lstm ? 2 : 1); part++) {
      state.add(manager.zeros(new Shape(1, 1, n)));
    }
  }

  @Override
  public void step(Feed feed, float[] out) {
    try (NDManager step = manager.newSubManager()) {
      NDArray x = step.create(FloatBuffer.wrap(feed.x()), inputShape);
      NDList result =
          lstm
              ? x.getNDArrayInternal().lstm(x, state, parameters, true, 1, 0, false, false, false)
              : x.getNDArrayInternal()
                  .gru(x, state.get(0), parameters, true, 1, 0, false, false, false);
      result.attach(step);
      for (int part = 0; part < state.size(); part++) {
        NDArray next = result.get(part + 1);
        next.attach(manager);
        state.set(part, next).close();
      }
      System.arraycopy(state.get(0).toFloatArray(), 0, out, 0, out.length);
    }
  }

  @Override
  public Work work() {
    return Work.whole(bytes);
  }

  @Override
  public void close() {
    manager.close();
  }
}
