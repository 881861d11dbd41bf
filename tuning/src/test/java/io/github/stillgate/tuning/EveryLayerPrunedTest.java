package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.contract.Float64Model;
import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Layers of every kind without what nothing reads, on random sparsity. */
class EveryLayerPrunedTest {
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");
  private static final int STEPS = 24;

  private static final Map<String, LongFunction<Model>> MODELS = models();
  private static final Set<String> KINDS = MODELS.keySet();

  private static Map<String, LongFunction<Model>> models() {
    Map<String, LongFunction<Model>> models = new TreeMap<>();
    models.put("conditional", seed -> TestModels.conditional(7, 21, 6, seed));
    models.put("full gating", seed -> TestModels.full(7, 17, seed));
    models.put("block gating", seed -> TestModels.block(7, 4, 5, seed));
    models.put("hybrid gating", seed -> TestModels.hybrid(7, 4, 5, seed));
    models.put("other functions", seed -> TestModels.activations(7, 4, 5, seed));
    models.put("gru", seed -> TestModels.gru(7, 23, seed));
    models.put("reset before", seed -> TestModels.resetBefore(9, 19, seed));
    models.put("reset bias", seed -> TestModels.resetBias(9, 19, seed));
    models.put("lstm", seed -> TestModels.lstm(9, 22, 13, seed));
    models.put("projection first", seed -> TestModels.projectedFirst(9, 22, 13, seed));
    models.put("coupled gates", seed -> TestModels.coupled(9, 22, seed));
    models.put("bidirectional", seed -> TestModels.bidirectional(8, 12, seed));
    models.put("sru", seed -> TestModels.sru(9, 14, seed));
    models.put("sru of tokens", seed -> TestModels.sruOfTokens(9, seed));
    models.put("sru directions", seed -> TestModels.sruDirections(8, 9, seed));
    models.put("vectors", seed -> TestModels.vectors(6, 15, 4, seed));
    models.put("conditional dense", seed -> TestModels.conditionalDense(9, 17, 5, seed));
    models.put("dense", EveryLayerPrunedTest::dense);
    return models;
  }

  /** Dense layers with several activations, one of which is not 0 at 0. */
  private static Model dense(long seed) {
    Random random = new Random(seed);
    return new Model(
        List.of(
            new Dense(
                "a",
                RandomTensors.matrix(random, 18, 6),
                RandomTensors.vector(random, 18),
                Activation.RELU),
            new Dense(
                "b",
                RandomTensors.matrix(random, 16, 18),
                RandomTensors.vector(random, 16),
                Activation.SIGMOID),
            new Dense(
                "c",
                RandomTensors.matrix(random, 14, 16),
                RandomTensors.vector(random, 14),
                Activation.LINEAR),
            new Dense(
                "d",
                RandomTensors.matrix(random, 4, 14),
                RandomTensors.vector(random, 4),
                Activation.SOFTMAX)));
  }

  /** Random sparsity: what is left computes the same, and nothing is left that nothing reads. */
  @ParameterizedTest
  @FieldSource("KINDS")
  void whatIsLeftComputesTheSame(String kind) {
    int removed = 0;
    for (long seed = 0; seed < 12; seed++) {
      Model big =
          Sparsity.random(MODELS.get(kind).apply(seed), 0.04 + 0.06 * (seed % 5), 100 + seed);
      Pruning pruning = Pruning.of(big);
      Model small = pruning.pruned();
      removed += pruning.removals().stream().mapToInt(Removal::removed).sum();

      float[][] inputs = inputs(big, seed);
      double[][] expected = Float64Model.sequence(big, widened(inputs));
      assertThat(Float64Model.sequence(small, widened(inputs)))
          .as("float64, seed %s", seed)
          .isDeepEqualTo(expected);
      assertClose(run(small, inputs), expected, "float32, seed " + seed);

      assertThat(Pruning.of(small).isEmpty()).as("again, seed %s", seed).isTrue();
      assertThat(Pruning.of(small).pruned()).isSameAs(small);
      assertNothingUnread(small);
      assertThat(small.inputs()).isEqualTo(big.inputs());
      assertThat(small.outputs()).isEqualTo(big.outputs());
      assertThat(small.vocabulary()).isEqualTo(big.vocabulary());
    }
    // The first SRU has the tokens as a highway, and what has gates in blocks is whole.
    if (!Set.of("sru of tokens", "block gating", "hybrid gating", "other functions")
        .contains(kind)) {
      assertThat(removed).isPositive();
    }
  }

  /** Where every weight is there, nothing is removed and nothing copied. */
  @ParameterizedTest
  @FieldSource("KINDS")
  void aDenseNetworkStaysAsItIs(String kind) {
    Model model = MODELS.get(kind).apply(5);
    Pruning pruning = Pruning.of(model);
    assertThat(pruning.isEmpty()).isTrue();
    assertThat(pruning.pruned()).isSameAs(model);
    assertThat(pruning.removals()).allMatch(removal -> removal.removed() == 0).isNotEmpty();
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void theEvaluationOfTheProofIsThatOfTheContracts(String kind) {
    Model model = MODELS.get(kind).apply(9);
    float[][] inputs = inputs(model, 9);
    double[][] expected = Float64Model.sequence(model, widened(inputs));
    Float64Network network = new Float64Network(model, _ -> {});
    double[][] actual = network.outputs(inputs);
    for (int t = 0; t < STEPS; t++) {
      assertThat(actual[t]).containsExactly(expected[t], within(1e-12));
    }
    if (model.readsTokens()) {
      int[] tokens = new Random(3).ints(STEPS, 0, model.inputs()).toArray();
      float[][] hot = new float[STEPS][model.inputs()];
      for (int t = 0; t < STEPS; t++) {
        hot[t][tokens[t]] = 1;
      }
      assertThat(network.outputs(tokens)).isDeepEqualTo(network.outputs(hot));
    }
  }

  /**
   * Every unit of a layer that is not the last is read by its own layer or by the next, unless it
   * is alone or the layer's form keeps it.
   */
  private static void assertNothingUnread(Model model) {
    for (int at = 0; at + 1 < model.layers().size(); at++) {
      Layer layer = model.layers().get(at);
      Layer next = model.layers().get(at + 1);
      boolean keeps =
          layer.outputs() == 1
              || layer instanceof Sru
              || layer instanceof Backward
              || layer instanceof ConditionalDense
              || layer instanceof Bidirectional
              || layer instanceof ConditionalGru gru
                  && !(gru.gating() instanceof Gating.Unit)
                  && !(gru.gating() instanceof Gating.Full)
              || next instanceof ConditionalDense
              || next instanceof Sru;
      for (int unit = 0; unit < layer.outputs() && !keeps; unit++) {
        assertThat(reads(layer, "U", unit) || reads(next, "W", unit))
            .as("unit %s of %s", unit, layer.name())
            .isTrue();
      }
      if (layer instanceof Lstm lstm && lstm.projection().isPresent()) {
        for (int cell = 0; cell < lstm.cells() && lstm.cells() > 1; cell++) {
          assertThat(reads(layer, "Wp", cell)).as("cell %s", cell).isTrue();
        }
      }
    }
  }

  private static boolean reads(Layer layer, String tensors, int column) {
    return layer.tensors().entrySet().stream()
        .filter(e -> e.getKey().substring(e.getKey().lastIndexOf('.') + 1).startsWith(tensors))
        .filter(e -> tensors.equals("Wp") || !e.getKey().endsWith("Wp"))
        // The gates' matrix over the bottleneck reads no input.
        .filter(e ->
            !(layer instanceof ConditionalGru gru
                && gru.gating() instanceof Gating.Unit
                && e.getKey().equals("Wz")))
        .map(Map.Entry::getValue)
        .anyMatch(m -> {
          for (int row = 0; row < m.rows(); row++) {
            if (m.at(row, column) != 0) {
              return true;
            }
          }
          return false;
        });
  }

  private static float[][] inputs(Model model, long seed) {
    Random random = new Random(seed);
    float[][] inputs = new float[STEPS][model.inputs()];
    for (float[] input : inputs) {
      if (model.readsTokens()) {
        input[random.nextInt(input.length)] = 1;
      } else {
        for (int i = 0; i < input.length; i++) {
          input[i] = random.nextFloat(-1, 1);
        }
      }
    }
    return inputs;
  }

  private static double[][] widened(float[][] values) {
    double[][] widened = new double[values.length][values[0].length];
    for (int t = 0; t < values.length; t++) {
      for (int i = 0; i < values[t].length; i++) {
        widened[t][i] = values[t][i];
      }
    }
    return widened;
  }

  private static float[][] run(Model model, float[][] inputs) {
    try (Plan plan = Plan.compile(model, REFERENCE);
        Sequence sequence = Sequence.open(plan)) {
      return sequence.run(inputs);
    }
  }

  private static void assertClose(float[][] actual, double[][] expected, String what) {
    for (int t = 0; t < expected.length; t++) {
      for (int i = 0; i < expected[t].length; i++) {
        assertThat((double) actual[t][i])
            .as("%s, step %s, output %s", what, t, i)
            .isCloseTo(expected[t][i], within(2e-6 * Math.max(1, Math.abs(expected[t][i]))));
      }
    }
  }

  /** Where no output reads anything, one unit of each layer is left, whatever it reads. */
  @ParameterizedTest
  @FieldSource("KINDS")
  void ofWhatNothingReadsOneStays(String kind) {
    Model model = MODELS.get(kind).apply(3);
    int width = model.outputs();
    List<Layer> layers = new ArrayList<>(model.layers());
    layers.add(
        new Dense(
            "constant",
            Matrix.of("W", 2, width, new float[2 * width]),
            Matrix.vector("b", 0.5f, -2),
            Activation.LINEAR));
    Model big = new Model(layers);
    Pruning pruning = Pruning.of(big);
    Set<Removal.Stays> whole =
        Set.of(
            Removal.Stays.BLOCKS,
            Removal.Stays.SOFTMAX,
            Removal.Stays.TIED,
            Removal.Stays.NETWORK_OUTPUTS);
    // What stays by its form reads; all behind the last such layer is there for the form alone.
    List<Removal> behind = new ArrayList<>();
    for (Removal removal : pruning.removals().reversed().subList(1, pruning.removals().size())) {
      if (removal.stays().filter(whole::contains).isPresent()) {
        break;
      }
      behind.add(removal);
    }
    assertThat(behind)
        .allSatisfy(removal -> {
          // It adds to each input a unit, and each of the two directions before it gives it one.
          boolean reads = kind.equals("sru directions") && removal.layer().equals("second");
          assertThat(removal.after()).isEqualTo(reads ? 2 : 1);
        });
    float[][] inputs = inputs(big, 1);
    assertThat(Float64Model.sequence(pruning.pruned(), widened(inputs)))
        .isDeepEqualTo(Float64Model.sequence(big, widened(inputs)));
    assertThat(Pruning.of(pruning.pruned()).isEmpty()).isTrue();
  }
}
