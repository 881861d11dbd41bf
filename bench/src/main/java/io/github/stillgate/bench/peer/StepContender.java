package io.github.stillgate.bench.peer;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Backends;
import io.github.stillgate.core.model.Layer;
import java.util.ArrayList;
import java.util.List;

/** A way to run one layer step by step. */
interface StepContender extends AutoCloseable {
  String name();

  /** One step on {@code x}, the state carried over; {@code out} receives the layer's output. */
  void step(float[] x, float[] out);

  @Override
  void close();

  /** Our fast backends and every peer on the class path. */
  static List<StepContender> all(Layer layer) {
    List<StepContender> found = new ArrayList<>();
    for (Backend backend : Backends.usable()) {
      if (!backend.name().equals("reference")) {
        found.add(new OwnStep(layer, backend.name()));
      }
    }
    try {
      // Compiled with -Ppeers only.
      found.add(
          (StepContender)
              Class.forName("io.github.stillgate.bench.peer.OnnxRuntimeStep")
                  .getDeclaredConstructor(Layer.class)
                  .newInstance(layer));
    } catch (ClassNotFoundException notHere) {
      // The report says so.
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ONNX Runtime is here but does not run", e);
    }
    return found;
  }
}
