package io.github.stillgate.bench.peer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A way to run one layer step by step, for one stream or for several together. */
interface Contender extends AutoCloseable {
  /** Who, without the format of the weights. */
  String name();

  /** How it keeps its weights: only answers of the same format can be equal. */
  WeightFormat weights();

  /**
   * One step of every stream, the states carried over.
   *
   * @param x one input a stream
   * @param out receives the layer's output, one a stream
   */
  void step(float[][] x, float[][] out);

  /** Whatever it offers to be compiled before it is timed; may take seconds. */
  default void warmUp() {}

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

  /** Our {@code backends} with either format of weights, and every peer on the class path. */
  static List<Contender> all(Layer layer, int streams, List<String> backends) {
    List<Contender> found = new ArrayList<>();
    for (WeightFormat weights : WeightFormat.values()) {
      for (String backend : backends) {
        found.add(
            streams == 1
                ? new OwnStream(layer, backend, weights)
                : new OwnBatch(layer, backend, weights, streams));
      }
    }
    peer()
        .ifPresent(kind -> {
          try {
            found.add(
                (Contender)
                    kind.getDeclaredConstructor(Layer.class, int.class)
                        .newInstance(layer, streams));
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("ONNX Runtime is here but does not run", e);
          }
        });
    return found;
  }
}
