package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.core.model.Model;
import java.util.Optional;

/** A way to run a batch of sequences of one length on one thread, each from state zero. */
interface SequenceBatch extends AutoCloseable {
  /** The other runtime, as it calls itself. */
  String PEER = "onnxruntime";

  /** Who runs. */
  String name();

  /**
   * Runs all sequences.
   *
   * @param x sequences, steps, values
   * @param out the same with what comes out; arrays of the contender's own may take the place of
   *     those in it
   */
  void run(float[][][] x, float[][][] out);

  @Override
  void close();

  /** ONNX Runtime on a stack of LSTMs, if it is on the class path; compiled with -Ppeers only. */
  static Optional<SequenceBatch> peer(Model lstms, int sequences, int steps) {
    Class<?> kind;
    try {
      kind = Class.forName("io.github.stillgate.bench.paper.sru.OnnxRuntimeStack");
    } catch (ClassNotFoundException notHere) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          (SequenceBatch)
              kind.getDeclaredConstructor(Model.class, int.class, int.class)
                  .newInstance(lstms, sequences, steps));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ONNX Runtime is here but does not run", e);
    }
  }
}
