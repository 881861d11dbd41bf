package io.github.stillgate.bench.peer;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Layer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A way to run one layer step by step. */
interface StepContender extends AutoCloseable {
  String name();

  /** One step on {@code x}, the state carried over; {@code out} receives the layer's output. */
  void step(float[] x, float[] out);

  @Override
  void close();

  /** Whether another runtime is on the class path; compiled with -Ppeers only. */
  static boolean hasPeer() {
    return peer().isPresent();
  }

  private static Optional<Class<?>> peer() {
    try {
      return Optional.of(Class.forName("io.github.stillgate.bench.peer.OnnxRuntimeStep"));
    } catch (ClassNotFoundException notHere) {
      return Optional.empty();
    }
  }

  /** Our fast backends and every peer on the class path. */
  static List<StepContender> all(Layer layer) {
    List<StepContender> found = new ArrayList<>();
    for (Backend backend : BackendRegistry.usable()) {
      if (!backend.name().equals("reference")) {
        found.add(new OwnStep(layer, backend.name()));
      }
    }
    peer()
        .ifPresent(kind -> {
          try {
            found.add((StepContender) kind.getDeclaredConstructor(Layer.class).newInstance(layer));
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("ONNX Runtime is here but does not run", e);
          }
        });
    return found;
  }
}
