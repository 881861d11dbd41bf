package io.github.stillgate.bench.step;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import java.lang.reflect.InvocationTargetException;
import java.util.List;

/** ONNX Runtime, which is compiled in with the profile peers only. */
final class Peer {
  private static final String PACKAGE = "io.github.stillgate.bench.step.";

  private Peer() {}

  /** Whether it is here. */
  static boolean isHere() {
    try {
      Class.forName(PACKAGE + "OnnxRuntimeFastest", false, Peer.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException withoutProfile) {
      return false;
    }
  }

  /** As its Java API is fastest: tensors made beforehand, outputs written in place. */
  static Contender fastest(Layer layer) {
    return fastest(List.of(layer));
  }

  /** A chain of GRUs, or one LSTM. */
  static Contender fastest(List<Layer> layers) {
    return open("OnnxRuntimeFastest", layers, false);
  }

  /** As most write it: tensors made and arrays read in each step. */
  static Contender usual(Layer layer) {
    return open("OnnxRuntimeUsual", List.of(layer), false);
  }

  /** Its LSTM with int8 weights, as fast as it goes. */
  static Contender int8(Layer layer) {
    if (!(layer instanceof Lstm)) {
      throw new AbsentException("ONNX Runtime has no int8 GRU; DynamicQuantizeLSTM is an LSTM");
    }
    return open("OnnxRuntimeFastest", List.of(layer), true);
  }

  private static Contender open(String type, List<Layer> layers, boolean int8) {
    try {
      return (Contender)
          Class.forName(PACKAGE + type)
              .getDeclaredConstructor(List.class, boolean.class)
              .newInstance(layers, int8);
    } catch (ClassNotFoundException withoutProfile) {
      throw new AbsentException(
          "ONNX Runtime is not on the class path; ./stillgate bench peers brings it");
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("ONNX Runtime does not run", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ONNX Runtime does not run", e);
    }
  }
}
