package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a batch promises, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BatchContract {
  private final Backend backend;

  protected BatchContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  static Stream<Model> batchModels() {
    return Stream.of(
        TestModels.block(11, 4, 16, 41),
        TestModels.hybrid(11, 6, 11, 42),
        TestModels.conditional(11, 40, 4, 43),
        TestModels.gru(11, 33, 44),
        TestModels.full(11, 20, 45),
        TestModels.activations(11, 4, 9, 53),
        TestModels.resetBefore(11, 37, 46),
        TestModels.resetBias(11, 33, 47),
        TestModels.lstm(11, 40, 9, 48),
        TestModels.coupled(11, 30, 49),
        TestModels.projectedFirst(11, 21, 7, 50),
        TestModels.sru(11, 37, 51),
        TestModels.sruOfTokens(21, 52),
        TestModels.conditionalDense(11, 37, 4, 53),
        TestModels.starting(TestModels.lstm(11, 40, 9, 54), 2, 55),
        TestModels.starting(TestModels.conditional(11, 40, 4, 56), 1.5, 57));
  }

  /** Streams join, pause, leave and come back; each has the bits it would have alone. */
  @ParameterizedTest
  @MethodSource("batchModels")
  void aStreamInABatchHasTheBitsOfASession(Model model) {
    joinPauseAndLeave(model, options());
  }

  /** Each stream has its own units to compute, and its own gates to ask for. */
  @Test
  void soItHasBelowEpsilon() {
    joinPauseAndLeave(
        TestModels.estimated(11, 37, 4, 0.25f, 50), options().withSkipping(Skipping.below(0.3f)));
  }

  private void joinPauseAndLeave(Model model, PlanOptions options) {
    Random random = new Random(51);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] oneHot = new float[model.inputs()];
    int capacity = 14;
    try (Plan plan = Plan.compile(model, options);
        BatchSession batch = BatchSession.open(plan, capacity)) {
      BatchSession.Stream[] streams = new BatchSession.Stream[capacity];
      Session[] alone = new Session[capacity];
      boolean[] fed = new boolean[capacity];
      for (int step = 0; step < 120; step++) {
        int steps = 0;
        for (int i = 0; i < capacity; i++) {
          if (streams[i] == null && random.nextInt(4) == 0) {
            streams[i] = batch.join();
            alone[i] = Session.open(plan);
          } else if (streams[i] != null && random.nextInt(25) == 0) {
            streams[i].leave();
            alone[i].close();
            streams[i] = null;
          } else if (streams[i] != null && random.nextInt(25) == 0) {
            streams[i].reset();
            alone[i].reset();
          }
          fed[i] = streams[i] != null && random.nextInt(5) > 0;
          if (fed[i]) {
            int token = random.nextInt(model.inputs());
            alone[i].step(token, a);
            if (random.nextInt(3) == 0) {
              Arrays.fill(oneHot, 0);
              oneHot[token] = 1;
              streams[i].feed(oneHot);
            } else {
              streams[i].feed(token);
            }
            steps++;
          }
        }
        assertThat(batch.step()).isEqualTo(steps);
        for (int i = 0; i < capacity; i++) {
          if (streams[i] != null) {
            assertThat(streams[i].snapshot()).as("step %d", step).isEqualTo(alone[i].snapshot());
            assertThat(streams[i].stats().liveFraction(0))
                .isEqualTo(alone[i].stats().liveFraction(0));
          }
          if (fed[i]) {
            streams[i].read(a);
            byte[] now = alone[i].snapshot();
            assertThat(streams[i].snapshot()).isEqualTo(now);
          }
        }
      }
      // Outputs too: the same token in the same state.
      for (int i = 0; i < capacity; i++) {
        if (streams[i] != null) {
          streams[i].feed(1);
          batch.step();
          streams[i].read(a);
          alone[i].step(1, b);
          assertThat(bits(a)).isEqualTo(bits(b));
        }
      }
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
