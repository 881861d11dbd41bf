package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.stage.NetworkAccess;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a run over a whole sequence promises, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class SequenceContract {
  private final Backend backend;

  protected SequenceContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  private static final List<String> SRU = SruVectors.NAMES;

  static Stream<Model> models() {
    return Stream.of(
        TestModels.block(11, 4, 16, 81),
        TestModels.conditional(11, 40, 4, 82),
        TestModels.activations(11, 4, 9, 98),
        TestModels.gru(11, 33, 83),
        TestModels.gru(11, 200, 84),
        TestModels.resetBefore(11, 37, 85),
        TestModels.resetBias(11, 33, 86),
        TestModels.lstm(11, 40, 9, 87),
        TestModels.coupled(11, 30, 88),
        TestModels.sru(11, 37, 96),
        TestModels.sruOfTokens(21, 97),
        TestModels.conditionalDense(11, 37, 4, 99),
        TestModels.vectors(11, 30, 5, 89),
        TestModels.starting(TestModels.lstm(11, 40, 9, 100), 2, 101),
        TestModels.starting(TestModels.gru(11, 33, 102), 1.5, 103),
        TestModels.starting(TestModels.sru(11, 37, 104), 2, 105));
  }

  /** More steps than are multiplied ahead, in two runs, from a state that was set. */
  @ParameterizedTest
  @MethodSource("models")
  void aSequenceHasTheBitsOfASession(Model model) {
    compareWithASession(model, options());
  }

  @Test
  void soItHasBelowEpsilon() {
    compareWithASession(
        TestModels.estimated(11, 37, 4, 0.25f, 90), options().withSkipping(Skipping.below(0.3f)));
  }

  private void compareWithASession(Model model, PlanOptions options) {
    Random random = new Random(91);
    float[][] input = inputs(75, model.inputs(), random);
    try (Plan plan = Plan.compile(model, options);
        Session session = Session.open(plan);
        Sequence sequence = Sequence.open(plan)) {
      byte[] opened = session.snapshot();
      String first = NetworkAccess.of(plan).stateParts().get(0).name();
      float[] start = new float[NetworkAccess.of(plan).stateParts().get(0).width()];
      start[0] = 0.25f;
      session.state(first, start);
      sequence.state(first, start);
      for (int run = 0; run < 2; run++) {
        float[][] output = sequence.run(input);
        float[] expected = new float[model.outputs()];
        for (int t = 0; t < input.length; t++) {
          session.step(input[t], expected);
          assertThat(bits(output[t])).as("step %d", t).isEqualTo(bits(expected));
        }
        for (var part : NetworkAccess.of(plan).stateParts()) {
          assertThat(bits(sequence.state(part.name())))
              .as(part.name())
              .isEqualTo(bits(session.state(part.name())));
        }
      }
      if (model.readsTokens()) {
        int[] tokens = random.ints(40, 0, model.inputs()).toArray();
        float[][] output = sequence.run(tokens);
        float[] expected = new float[model.outputs()];
        for (int t = 0; t < tokens.length; t++) {
          session.step(tokens[t], expected);
          assertThat(bits(output[t])).as("token %d", t).isEqualTo(bits(expected));
        }
      }
      sequence.reset();
      session.restore(opened);
      assertThat(bits(sequence.state(first))).isEqualTo(bits(session.state(first)));
      assertThat(sequence.run(new float[0][])).isEmpty();
    }
  }

  /** Inputs and outputs of another program. */
  @ParameterizedTest
  @FieldSource("SRU")
  void anSruComputesWhatNumpyDoes(String name) {
    try (Plan plan = Plan.compile(SruVectors.network(name), options())) {
      Proof.replay(plan, SruVectors.vectors(name), 1e-5);
    }
  }

  @Test
  void theBackwardLayerReadsFromTheEnd() {
    Model model = TestModels.bidirectional(7, 30, 92);
    assertTheBackwardLayersReadFromTheEnd(model, "second.forward.c");
  }

  @Test
  void theBackwardSruReadsFromTheEnd() {
    Model model = TestModels.sruDirections(7, 30, 98);
    assertTheBackwardLayersReadFromTheEnd(model, "first.forward.c");
  }

  /** A layer of both directions is its two layers, one of them over the reversed sequence. */
  private void assertTheBackwardLayersReadFromTheEnd(Model model, String cells) {
    float[][] input = inputs(70, 7, new Random(93));
    float[][] expected = input;
    for (Layer layer : model.layers()) {
      expected =
          switch (layer) {
            case Bidirectional pair ->
                joined(
                    alone(pair.forward(), expected),
                    reversed(alone(pair.backward(), reversed(expected))));
            case Backward backward -> reversed(alone(backward.layer(), reversed(expected)));
            default -> alone(layer, expected);
          };
    }
    try (Plan plan = Plan.compile(model, options());
        Sequence sequence = Sequence.open(plan)) {
      plan.warmUp();
      float[][] output = sequence.run(input);
      for (int t = 0; t < input.length; t++) {
        assertThat(bits(output[t])).as("step %d", t).isEqualTo(bits(expected[t]));
      }
      assertThat(sequence.state(cells)).hasSize(30);
    }
  }

  @Test
  void aSessionCannotReadFromBothEnds() {
    try (Plan plan = Plan.compile(TestModels.bidirectional(7, 30, 94), options())) {
      assertThatThrownBy(() -> Session.open(plan))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("layer first")
          .hasMessageContaining("Sequence.open(plan)");
    }
  }

  @Test
  void badInputIsRefusedBeforeTheStateChanges() {
    try (Plan plan = Plan.compile(TestModels.lstm(5, 8, 3, 95), options());
        Sequence sequence = Sequence.open(plan)) {
      sequence.run(new int[] {1, 2});
      float[] before = sequence.state("rnn0.c");
      assertThatThrownBy(() -> sequence.run(new int[] {1, 5}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("token 5");
      assertThatThrownBy(() -> sequence.run(new float[][] {new float[5], {0, 0, Float.NaN, 0, 0}}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("step 1: input 2 is NaN");
      assertThatThrownBy(() -> sequence.run(new float[][] {new float[4]}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("step 0: input has 4 values, the model reads 5");
      assertThatThrownBy(() -> sequence.state("rnn0.h", new float[] {1, 2, 0, 0, 0, 0, 0, 0}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("value 1 of rnn0.h is 2.0");
      assertThatThrownBy(() -> sequence.state("rnn0.h", new float[7]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rnn0.h has 8 values, given are 7");
      assertThatThrownBy(() -> sequence.state("rnn7.h"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rnn0.h, rnn0.c");
      assertThat(sequence.state("rnn0.c")).isEqualTo(before);
      sequence.close();
      assertThatThrownBy(() -> sequence.run(new int[] {1}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  private float[][] alone(Layer layer, float[][] input) {
    float[][] output = new float[input.length][layer.outputs()];
    try (Plan plan = Plan.compile(new Model(List.of(layer)), options());
        Session session = Session.open(plan)) {
      for (int t = 0; t < input.length; t++) {
        session.step(input[t], output[t]);
      }
    }
    return output;
  }

  private static float[][] reversed(float[][] values) {
    float[][] reversed = new float[values.length][];
    for (int t = 0; t < values.length; t++) {
      reversed[t] = values[values.length - 1 - t];
    }
    return reversed;
  }

  private static float[][] joined(float[][] left, float[][] right) {
    float[][] joined = new float[left.length][];
    for (int t = 0; t < left.length; t++) {
      joined[t] = new float[left[t].length + right[t].length];
      System.arraycopy(left[t], 0, joined[t], 0, left[t].length);
      System.arraycopy(right[t], 0, joined[t], left[t].length, right[t].length);
    }
    return joined;
  }

  private static float[][] inputs(int steps, int width, Random random) {
    float[][] input = new float[steps][width];
    for (float[] x : input) {
      for (int i = 0; i < width; i++) {
        x[i] = 2 * random.nextFloat() - 1;
      }
    }
    return input;
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
