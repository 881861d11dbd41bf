package io.github.stillgate.bench.peer;

import io.github.stillgate.core.plan.BackendUnavailableException;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A way to run one layer: a step of one stream or of several together, or a whole sequence. */
interface Contender extends AutoCloseable {
  /** Who, without the format of the weights. */
  String name();

  /** Name of the kind of layer it runs. */
  String layer();

  /** How it keeps its weights: only answers of the same format can be equal. */
  WeightFormat weights();

  /**
   * One step of every stream, the states carried over; or one run over a sequence, from the state
   * of the last.
   *
   * @param x one input a stream, or a step
   * @param out receives the layer's outputs, as many
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
  static List<Contender> all(Task task, List<String> backends) {
    List<Contender> found = new ArrayList<>();
    for (LayerKind kind : task.kind().together()) {
      boolean asked = kind.name().equals(task.layer());
      for (WeightFormat weights : WeightFormat.values()) {
        if (asked || weights == WeightFormat.F32) {
          backends.forEach(backend -> found.add(Own.of(task, kind, options(backend, weights))));
        }
      }
      if (asked && task.rows() > 1) {
        withBlas(task, kind, backends).ifPresent(found::add);
      }
    }
    LayerKind theirs = LayerKind.of(task.kind().beside());
    peer()
        .ifPresent(type -> {
          try {
            found.add(
                (Contender)
                    type.getDeclaredConstructor(Task.class, LayerKind.class)
                        .newInstance(task, theirs));
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("ONNX Runtime is here but does not run", e);
          }
        });
    return found;
  }

  private static PlanOptions options(String backend, WeightFormat weights) {
    return PlanOptions.defaults().withBackend(backend).withWeights(weights);
  }

  /** The first backend with the products of many rows left to a BLAS, where there is one. */
  private static Optional<Contender> withBlas(Task task, LayerKind kind, List<String> backends) {
    try {
      PlanOptions options = options(backends.getFirst(), WeightFormat.F32).withBlas();
      return Optional.of(Own.of(task, kind, options));
    } catch (BackendUnavailableException absent) {
      System.err.println("without a BLAS: " + absent.getMessage());
      return Optional.empty();
    }
  }
}
