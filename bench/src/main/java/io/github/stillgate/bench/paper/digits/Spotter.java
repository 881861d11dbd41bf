package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Backends;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One network that runs on one stream, in some engine. Used by one thread. */
interface Spotter extends AutoCloseable {
  /** What ONNX Runtime is called in the tables. */
  String PEER = "onnxruntime";

  /** The format of its weights, a {@link Variant}'s name. */
  String variant();

  /** The backend, or {@link #PEER}. */
  String runsIn();

  /** One frame; writes the probabilities of the classes. */
  void step(float[] frame, float[] probabilities);

  @Override
  void close();

  /** Every variant on every backend but the reference, and ONNX Runtime if it is here. */
  static List<Spotter> all(Model model) {
    List<Spotter> found = new ArrayList<>();
    try {
      for (String backend : Backends.usable()) {
        if (!backend.equals("reference")) {
          for (Variant variant : Variant.all()) {
            found.add(new OwnSpotter(model, variant, Optional.of(backend)));
          }
        }
      }
      peer(model).ifPresent(found::add);
      return found;
    } catch (RuntimeException | Error failure) {
      found.forEach(Spotter::close);
      throw failure;
    }
  }

  /** ONNX Runtime, compiled with -Ppeers only. */
  static Optional<Spotter> peer(Model model) {
    try {
      return Optional.of(
          (Spotter)
              Class.forName("io.github.stillgate.bench.paper.digits.OnnxRuntimeSpotter")
                  .getDeclaredConstructor(Model.class)
                  .newInstance(model));
    } catch (ClassNotFoundException notHere) {
      return Optional.empty();
    } catch (InvocationTargetException failure) {
      throw new IllegalStateException("ONNX Runtime is here but does not run", failure.getCause());
    } catch (ReflectiveOperationException failure) {
      throw new IllegalStateException("ONNX Runtime is here but does not run", failure);
    }
  }
}
