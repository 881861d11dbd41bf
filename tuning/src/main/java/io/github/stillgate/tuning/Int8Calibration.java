package io.github.stillgate.tuning;

import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.plan.OperandScale;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Finds the scales of operands that an int8 plan cannot prove to lie within [-1, 1]: the largest
 * magnitude that the float32 network shows on data, over 127. A rule without a parameter: nothing
 * of the data is clamped but for what rounding of weights adds, and what later data exceed is
 * clamped and counted.
 *
 * <p>Inputs and states of layers are found. What stands between two products of a step is not, and
 * keeps a scale of its own in each step: {@code r * h} of a GRU with the reset before the matrix
 * and with candidates beyond 1, the cells' output of a projected LSTM with other functions than
 * tanh. So does an operand that is 0 throughout.
 */
public final class Int8Calibration {
  /** Below this, what states flush to zero, there is nothing to learn from data. */
  private static final float NOTHING = 1e-30f;

  private Int8Calibration() {}

  /** Names of the layers that an int8 plan multiplies in int8, and that files may hold so. */
  public static List<String> layers(Model model) {
    List<String> names = new ArrayList<>();
    for (Layer layer : model.layers()) {
      if (isWhole(layer)) {
        names.add(layer.name());
      }
    }
    return List.copyOf(names);
  }

  private static boolean isWhole(Layer layer) {
    return switch (layer) {
      case ConditionalGru _,
          ConditionalDense _,
          Embedding _,
          AtPositions _,
          Positions _,
          Operation _ ->
          false;
      case Backward backward -> isWhole(backward.layer());
      case Bidirectional pair -> isWhole(pair.forward()) && isWhole(pair.backward());
      default -> true;
    };
  }

  /**
   * Runs the float32 network on {@code data}, once for each layer before one whose operands are not
   * proved.
   *
   * @param int8 names of the layers that are to be int8
   * @param data each sequence from the initial state
   * @param progress hears now and then how many steps of one layer's network were made
   * @return the scales that were found, and no others
   * @throws IllegalArgumentException if the network does not read such data, a layer's name is not
   *     known, or a sum could overflow
   */
  public static OperandScales of(
      Model model, List<String> int8, TuningData data, IntConsumer progress) {
    Chains.require(model);
    List<OperandScale> open;
    try (Plan plan =
        Plan.compile(model.withOperandScales(OperandScales.NONE), Prefixes.options(model, int8))) {
      open =
          plan.operandScales().stream()
              .filter(scale -> scale.origin() == OperandScale.Origin.EACH_STEP)
              .toList();
    }
    OperandScales scales = OperandScales.NONE;
    for (int layers = 0; layers <= model.layers().size(); layers++) {
      List<Wanted> wanted = wanted(model, layers, open);
      if (!wanted.isEmpty()) {
        float[] largest = largest(model, layers, data, progress);
        for (Wanted one : wanted) {
          float reach = one.begins;
          for (int i = one.from; i < one.to; i++) {
            reach = Math.max(reach, largest[i]);
          }
          if (reach >= NOTHING) {
            scales = scales.with(one.layer, one.role, OperandScales.reaching(reach));
          }
        }
      }
    }
    return scales;
  }

  /**
   * An operand whose values are those from {@code from} to {@code to} of what some layer gives, and
   * in the first step up to {@code begins}.
   */
  private record Wanted(String layer, OperandRole role, int from, int to, float begins) {}

  /** The operands that are what the first {@code layers} layers give. */
  private static List<Wanted> wanted(Model model, int layers, List<OperandScale> open) {
    List<Wanted> wanted = new ArrayList<>();
    int width = layers == 0 ? model.inputs() : model.layers().get(layers - 1).outputs();
    for (OperandScale scale : open) {
      if (scale.operand() == OperandRole.INPUT
          && layers < model.layers().size()
          && isIn(scale.layer(), model.layers().get(layers))) {
        wanted.add(new Wanted(scale.layer(), scale.operand(), 0, width, 0));
      }
      if (scale.operand() == OperandRole.STATE && layers > 0) {
        state(scale.layer(), model.layers().get(layers - 1)).ifPresent(wanted::add);
      }
    }
    return wanted;
  }

  /** The state of a layer is what it gives; that of a direction a part of what the pair gives. */
  private static Optional<Wanted> state(String place, Layer layer) {
    if (!isIn(place, layer)) {
      return Optional.empty();
    }
    int from = 0;
    int to = layer.outputs();
    Layer part = layer;
    if (layer instanceof Bidirectional pair) {
      boolean isForward = place.equals(pair.name() + "." + pair.forward().name());
      from = isForward ? 0 : pair.forward().outputs();
      to = isForward ? pair.forward().outputs() : to;
      part = isForward ? pair.forward() : pair.backward();
    }
    double begins = part.initialState().h().map(Matrix::magnitude).orElse(0.0);
    return Optional.of(new Wanted(place, OperandRole.STATE, from, to, (float) begins));
  }

  private static boolean isIn(String place, Layer layer) {
    return place.equals(layer.name())
        || layer instanceof Bidirectional pair
            && (place.equals(pair.name() + "." + pair.forward().name())
                || place.equals(pair.name() + "." + pair.backward().name()));
  }

  /** The largest magnitude of each value that the first layers give, or of each input. */
  private static float[] largest(Model model, int layers, TuningData data, IntConsumer progress) {
    if (layers == 0) {
      float[] largest = new float[model.inputs()];
      for (TuningData.Sequence sequence : data.sequences()) {
        if (sequence instanceof TuningData.Vectors(float[][] vectors)) {
          take(vectors, largest);
        }
      }
      return largest;
    }
    Model first = Prefixes.of(model, layers);
    float[] largest = new float[first.outputs()];
    try (Plan plan = Plan.compile(first, PlanOptions.defaults());
        Sequence run = Sequence.open(plan)) {
      Prefixes.run(
          plan,
          run,
          data,
          outputs -> {
            take(outputs, largest);
            progress.accept(outputs.length);
          });
    }
    return largest;
  }

  private static void take(float[][] vectors, float[] largest) {
    for (float[] vector : vectors) {
      for (int i = 0; i < largest.length; i++) {
        largest[i] = Math.max(largest[i], Math.abs(vector[i]));
      }
    }
  }
}
