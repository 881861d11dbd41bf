package io.github.stillgate.bench.paper.gru;

import io.github.stillgate.bench.strategy.BlasLibraries;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Model;
import java.util.ArrayList;
import java.util.List;

/**
 * A full GRU 27-n-n-27 for some streams at once, as one implementation runs it on one thread: what
 * skipping has to beat. Each stream carries its own state.
 */
interface DenseGru extends AutoCloseable {
  /** The implementation. */
  String name();

  /** One step of every stream, each on its token. */
  void step(int[] tokens);

  /** The most probable next token of a stream after the last step, for checking. */
  int likeliest(int stream);

  @Override
  void close();

  /** The recurrent layers of such a network. */
  static List<Gru> layers(Model gru) {
    return gru.layers().subList(0, gru.layers().size() - 1).stream().map(Gru.class::cast).toList();
  }

  /** The output layer of such a network. */
  static Dense output(Model gru) {
    return (Dense) gru.layers().getLast();
  }

  /** Position of the largest value, the first of equal ones. */
  static int likeliest(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  /** Every implementation that can run here. */
  static List<DenseGru> all(Model gru, int streams) {
    List<DenseGru> found = new ArrayList<>();
    BackendRegistry.usable().stream()
        .filter(backend -> !backend.name().equals("reference"))
        .forEach(backend ->
            found.add(
                streams == 1
                    ? new OwnDenseGru(gru, backend)
                    : new OwnDenseGruStreams(gru, backend, streams)));
    for (String blas : BlasLibraries.names()) {
      if (!blas.equals("netlib")) {
        found.add(new BlasDenseGru(gru, blas, streams));
      }
    }
    try {
      // Compiled with -Ppeers only.
      found.add(
          (DenseGru)
              Class.forName("io.github.stillgate.bench.paper.gru.OnnxRuntimeGru")
                  .getDeclaredConstructor(Model.class, int.class)
                  .newInstance(gru, streams));
    } catch (ClassNotFoundException notHere) {
      // Reported by its absence from the list.
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ONNX Runtime is here but does not run", e);
    }
    return found;
  }
}
