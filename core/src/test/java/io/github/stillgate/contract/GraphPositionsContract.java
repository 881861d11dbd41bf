package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What layers at positions of a step compute, whatever backend is below them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class GraphPositionsContract {
  private final Backend backend;

  protected GraphPositionsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  /** Over positions a layer runs as over a sequence, and again in each step. */
  @Test
  void alongAnAxisALayerRunsAsOverASequence() {
    Model pair = TestModels.bidirectional(5, 9, 4);
    Layer both = pair.layers().getFirst();
    Layer gru = TestModels.gru(5, 20, 8).layers().getFirst();
    SplittableRandom random = new SplittableRandom(6);
    for (Layer layer : List.of(both, gru, starting(both), starting(gru))) {
      for (WeightFormat format : WeightFormat.values()) {
        int positions = 4;
        int width = layer.outputs();
        Model along = new Model(List.of(new Along(layer, positions)));
        PlanOptions options = options().withWeights(format);
        try (Plan ours = Plan.compile(along, options);
            Plan theirs = Plan.compile(new Model(List.of(layer)), options);
            Session session = Session.open(ours);
            Sequence sequence = Sequence.open(theirs)) {
          for (int step = 0; step < 5; step++) {
            float[][] slices = new float[positions][];
            float[] x = new float[positions * 5];
            for (int p = 0; p < positions; p++) {
              slices[p] = Bits.floats(5, _ -> (float) random.nextDouble(-1, 1));
              System.arraycopy(slices[p], 0, x, 5 * p, 5);
            }
            sequence.reset();
            float[][] expected = sequence.run(slices);
            float[] y = new float[positions * width];
            session.step(x, y);
            for (int p = 0; p < positions; p++) {
              assertThat(Steps.bits(Arrays.copyOfRange(y, p * width, (p + 1) * width)))
                  .as("%s, %s, step %d, position %d", layer.name(), format, step, p)
                  .isEqualTo(Steps.bits(expected[p]));
            }
          }
          assertThat(ours.stateNames()).isEmpty();
        }
      }
    }
  }

  /** The layer with an initial state in which little is zero. */
  private static Layer starting(Layer layer) {
    return TestModels.starting(new Model(List.of(layer)), 0.9, 11).layers().getFirst();
  }

  /** Each position is a stream of its own. */
  @Test
  void atPositionsALayerRunsAsInAsManySessions() {
    Layer lstm = TestModels.lstm(5, 20, 9, 3).layers().get(1);
    atPositionsItRunsAsInAsManySessions(lstm);
    atPositionsItRunsAsInAsManySessions(starting(lstm));
  }

  private void atPositionsItRunsAsInAsManySessions(Layer layer) {
    SplittableRandom random = new SplittableRandom(6);
    for (WeightFormat format : WeightFormat.values()) {
      PlanOptions options = options().withWeights(format);
      Model model = new Model(List.of(new PerPosition(layer, 3)));
      try (Plan ours = Plan.compile(model, options);
          Plan theirs = Plan.compile(new Model(List.of(layer)), options);
          Session first = Session.open(ours);
          Session second = Session.open(ours)) {
        Session[] alone = {Session.open(theirs), Session.open(theirs), Session.open(theirs)};
        for (int step = 0; step < 20; step++) {
          if (step == 10) {
            second.restore(first.snapshot());
          }
          float[] x = Bits.floats(60, _ -> (float) random.nextDouble(-1, 1));
          float[] y = new float[27];
          (step < 10 ? first : second).step(x, y);
          for (int p = 0; p < 3; p++) {
            float[] expected = new float[9];
            alone[p].step(Arrays.copyOfRange(x, 20 * p, 20 * p + 20), expected);
            assertThat(Steps.bits(Arrays.copyOfRange(y, 9 * p, 9 * p + 9)))
                .as("%s, step %d, position %d", format, step, p)
                .isEqualTo(Steps.bits(expected));
          }
        }
        assertThat(ours.stateNames())
            .containsExactly(
                "rnn1.0.h", "rnn1.0.c", "rnn1.1.h", "rnn1.1.c", "rnn1.2.h", "rnn1.2.c");
        assertThat(second.state("rnn1.2.c")).isEqualTo(alone[2].state("rnn1.c"));
      }
    }
  }

  /** What moved, and what had to wait, is counted over all positions. */
  @Test
  void positionsCountWhatMovesAsSessionsDo() {
    Layer gru = TestModels.gru(5, 20, 8).layers().getFirst();
    PlanOptions options = options().withWeights(WeightFormat.I8).withMaxMoved(2);
    SplittableRandom random = new SplittableRandom(6);
    try (Plan ours = Plan.compile(new Model(List.of(new PerPosition(gru, 2))), options);
        Plan theirs = Plan.compile(new Model(List.of(gru)), options);
        Session session = Session.open(ours);
        Session first = Session.open(theirs);
        Session second = Session.open(theirs)) {
      for (int step = 0; step < 20; step++) {
        float[] x = Bits.floats(10, _ -> (float) random.nextDouble(-1, 1));
        session.step(x, new float[40]);
        first.step(Arrays.copyOfRange(x, 0, 5), new float[20]);
        second.step(Arrays.copyOfRange(x, 5, 10), new float[20]);
      }
      long held = first.stats().valuesHeldBack(0) + second.stats().valuesHeldBack(0);
      assertThat(held).isPositive();
      assertThat(session.stats().valuesHeldBack(0)).isEqualTo(held);
      assertThat(session.stats().movedFraction(0))
          .isEqualTo((first.stats().movedFraction(0) + second.stats().movedFraction(0)) / 2);
    }
  }

  /** Layers that take no column of a token read the vector that is 1 at it. */
  @Test
  void aTokenInFrontOfAnyLayerIsItsVector() {
    Layer gru = TestModels.gru(2, 3, 8).layers().getFirst();
    Matrix w = Matrix.of("W", 3, 2, new float[] {1, 2, 3, -4, 5, 6});
    for (Layer layer :
        List.of(
            new Positions("a", 2, 1, w, Matrix.vector("b", 1, 2, 3), Activation.TANH),
            new Along(gru, 2),
            new PerPosition(gru, 2),
            new IndexMap("a", List.of(4), 3, 2, 0),
            new Softmax("a", 1, 4))) {
      Model model = new Model(List.of(layer), new Vocabulary("abcd"));
      try (Plan plan = Plan.compile(model, options());
          Session byToken = Session.open(plan);
          Session byVector = Session.open(plan)) {
        for (int token : new int[] {2, 0, 3, 1}) {
          float[] expected = new float[layer.outputs()];
          float[] y = new float[layer.outputs()];
          byVector.step(Bits.floats(4, i -> i == token ? 1f : 0f), expected);
          byToken.step(token, y);
          assertThat(Steps.bits(y)).as("%s, %d", layer, token).isEqualTo(Steps.bits(expected));
        }
      }
    }
  }
}
