package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * How far what a layer gives is from what it gave before its network was quantised, both networks
 * running freely on the same data: with y of the float32 network and y' of the other, over all
 * outputs of all steps,
 *
 * <pre>
 *   largest = max |y' - y|        rms = sqrt(mean (y' - y)^2)
 * </pre>
 *
 * @param layer the layer's name
 * @param largest largest difference
 * @param rms root of the mean squared difference
 * @param clamped values the layer multiplied that were beyond the scale of their operand
 * @param steps steps that were compared
 */
public record LayerError(String layer, double largest, double rms, long clamped, long steps) {
  /**
   * Compares layer by layer; takes as many runs of both networks as there are layers, each of one
   * layer more.
   *
   * @param original runs with float32 weights
   * @param quantized has the same layers; runs with int8 weights in those named
   * @param int8 names of layers
   * @param data each sequence from the initial state
   * @param progress hears now and then how many steps of one layer's networks were made
   * @throws IllegalArgumentException if the networks do not read such data, or a sum could overflow
   */
  public static List<LayerError> between(
      Model original, Model quantized, List<String> int8, TuningData data, IntConsumer progress) {
    List<LayerError> errors = new ArrayList<>();
    for (int layers = 1; layers <= original.layers().size(); layers++) {
      Model small = Prefixes.of(quantized, layers);
      try (Plan before = Plan.compile(Prefixes.of(original, layers), PlanOptions.defaults());
          Plan after = Plan.compile(small, Prefixes.options(small, int8));
          Sequence left = Sequence.open(before);
          Sequence right = Sequence.open(after)) {
        Difference difference = new Difference();
        for (TuningData.Sequence sequence : data.sequences()) {
          TuningData one = new TuningData(List.of(sequence), false);
          List<float[][]> expected = new ArrayList<>();
          Prefixes.run(before, left, one, expected::add);
          int[] piece = {0};
          Prefixes.run(
              after,
              right,
              one,
              outputs -> {
                difference.add(expected.get(piece[0]++), outputs);
                progress.accept(outputs.length);
              });
        }
        Layer layer = original.layers().get(layers - 1);
        errors.add(difference.of(layer.name(), right.clamped(layers - 1)));
      }
    }
    return List.copyOf(errors);
  }

  private static final class Difference {
    private double largest;
    private double squares;
    private long values;
    private long steps;

    private void add(float[][] expected, float[][] actual) {
      for (int t = 0; t < actual.length; t++) {
        for (int i = 0; i < actual[t].length; i++) {
          double error = Math.abs((double) actual[t][i] - expected[t][i]);
          largest = Math.max(largest, error);
          squares += error * error;
        }
        values += actual[t].length;
      }
      steps += actual.length;
    }

    private LayerError of(String layer, long clamped) {
      return new LayerError(layer, largest, Math.sqrt(squares / values), clamped, steps);
    }
  }
}
