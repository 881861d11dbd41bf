package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Sequence;
import java.util.Arrays;
import java.util.List;

/**
 * The first layers of a network as a network of their own, so that what a layer gives can be seen,
 * in the plan and with the proofs that it has in the whole. Layers may read from both ends.
 */
final class Prefixes {
  /** Steps that are run at once where no layer needs the whole sequence. */
  private static final int PIECE = 256;

  private Prefixes() {}

  /** The first {@code layers} layers of {@code model}. */
  static Model of(Model model, int layers) {
    return Estimates.withLayers(model, model.layers().subList(0, layers));
  }

  /**
   * Those of {@code int8} that the network has in int8, the others in float32.
   *
   * @param int8 names of layers, which the network need not have
   */
  static PlanOptions options(Model network, List<String> int8) {
    PlanOptions options = PlanOptions.defaults();
    for (Layer layer : network.layers()) {
      if (int8.contains(layer.name())) {
        options = options.withWeights(layer.name(), WeightFormat.I8);
      }
    }
    return options;
  }

  /** Hears the outputs of some steps. */
  interface Listener {
    void hear(float[][] outputs);
  }

  /** Runs all sequences, each from the initial state, and tells the outputs in their order. */
  static void run(Plan plan, Sequence run, TuningData data, Listener listener) {
    boolean isForward =
        plan.model().layers().stream()
            .noneMatch(layer -> layer instanceof Backward || layer instanceof Bidirectional);
    for (TuningData.Sequence sequence : data.sequences()) {
      run.reset();
      int piece = isForward ? PIECE : Math.max(1, sequence.steps());
      for (int from = 0; from < sequence.steps(); from += piece) {
        int to = Math.min(from + piece, sequence.steps());
        listener.hear(
            switch (sequence) {
              case TuningData.Tokens(int[] tokens) -> run.run(Arrays.copyOfRange(tokens, from, to));
              case TuningData.Vectors(float[][] vectors) ->
                  run.run(Arrays.copyOfRange(vectors, from, to));
            });
      }
    }
  }
}
