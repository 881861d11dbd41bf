package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.Optional;

/** A way to run one layer: step by step for one stream or for several, or whole sequences. */
public interface Contender extends AutoCloseable {
  /** Who, without the format of the weights. */
  String name();

  /** How it keeps its weights: only answers of the same format can be equal. */
  WeightFormat weights();

  /**
   * One step of every stream, or one sequence; the states are carried over to the next call.
   *
   * @param x one input a stream, or one a step of the sequence
   * @param out receives the layer's outputs, as many; arrays of the contender's own may take the
   *     place of those in it
   */
  void run(float[][] x, float[][] out);

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
      return Optional.of(Class.forName("io.github.stillgate.bench.layer.OnnxRuntimeLayer"));
    } catch (ClassNotFoundException notHere) {
      return Optional.empty();
    }
  }

  /** The other runtime on this layer, if it is on the class path. */
  static Optional<Contender> peer(Layer layer, Case one) {
    return peer()
        .map(kind -> {
          try {
            return (Contender)
                kind.getDeclaredConstructor(Layer.class, Case.class).newInstance(layer, one);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("ONNX Runtime is here but does not run", e);
          }
        });
  }
}
