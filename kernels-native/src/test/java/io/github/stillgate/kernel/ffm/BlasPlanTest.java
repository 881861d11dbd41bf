package io.github.stillgate.kernel.ffm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Plans whose whole dense products are left to the BLAS of this machine. */
class BlasPlanTest {
  private static final int STREAMS = 7;
  private static final int WIDTH = 301;

  private final PlanOptions own = PlanOptions.defaults().withBackend("reference");
  private final Random random = new Random(71);

  @BeforeEach
  void requireBlas() {
    assumeTrue(
        new BlasProducts().availability().isUsable(),
        () -> "no BLAS here: " + Blas.system().availability());
  }

  private float[] values(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** A linear layer shows its sums. */
  @Test
  void sumsStayWithinTheStatedBound() {
    int rows = 45;
    Matrix w = Matrix.of("W", rows, WIDTH, values(rows * WIDTH));
    Model model =
        new Model(
            List.of(new Dense("d", w, Matrix.vector("b", new float[rows]), Activation.LINEAR)));
    float[][] x = new float[STREAMS][];
    try (Plan with = Plan.compile(model, own.withBlas());
        Plan without = Plan.compile(model, own);
        Session alone = Session.open(without);
        BatchSession batch = BatchSession.open(with, STREAMS);
        Sequence sequence = Sequence.open(with)) {
      BatchSession.Stream[] streams = new BatchSession.Stream[STREAMS];
      for (int s = 0; s < STREAMS; s++) {
        x[s] = values(WIDTH);
        streams[s] = batch.join();
        streams[s].feed(x[s]);
      }
      batch.step();
      float[][] whole = sequence.run(x);
      boolean differs = false;
      for (int s = 0; s < STREAMS; s++) {
        float[] expected = new float[rows];
        float[] found = new float[rows];
        alone.step(x[s], expected);
        streams[s].read(found);
        float largest = 0;
        for (float value : x[s]) {
          largest = Math.max(largest, Math.abs(value));
        }
        for (int row = 0; row < rows; row++) {
          double norm = 0;
          for (int column = 0; column < WIDTH; column++) {
            norm += Math.abs((double) w.at(row, column));
          }
          double bound = (WIDTH + 1) * 0x1p-23 * norm * largest;
          assertThat((double) found[row]).isCloseTo(expected[row], within(bound));
          assertThat((double) whole[s][row]).isCloseTo(expected[row], within(bound));
          differs |= found[row] != expected[row];
        }
      }
      // Another order of summation: if no bit differed, nobody called a BLAS.
      assertThat(differs).isTrue();
    }
  }

  @Test
  void recurrentLayersStayClose() {
    for (Model model :
        List.of(
            TestModels.gru(11, 96, 72),
            TestModels.lstm(11, 64, 32, 73),
            TestModels.sru(11, 64, 74),
            TestModels.conditional(11, 64, 8, 75))) {
      try (Plan with = Plan.compile(model, own.withBlas());
          Plan without = Plan.compile(model, own);
          BatchSession ours = BatchSession.open(without, STREAMS);
          BatchSession theirs = BatchSession.open(with, STREAMS)) {
        float[] a = new float[model.outputs()];
        float[] b = new float[model.outputs()];
        BatchSession.Stream[] left = new BatchSession.Stream[STREAMS];
        BatchSession.Stream[] right = new BatchSession.Stream[STREAMS];
        for (int s = 0; s < STREAMS; s++) {
          left[s] = ours.join();
          right[s] = theirs.join();
        }
        for (int step = 0; step < 3; step++) {
          for (int s = 0; s < STREAMS; s++) {
            left[s].feed((step + s) % 11);
            right[s].feed((step + s) % 11);
          }
          ours.step();
          theirs.step();
          for (int s = 0; s < STREAMS; s++) {
            left[s].read(a);
            right[s].read(b);
            for (int i = 0; i < a.length; i++) {
              assertThat((double) b[i]).isCloseTo(a[i], within(1e-4));
            }
          }
        }
      }
    }
  }

  /** A single session is not served by it: its bits are those without. */
  @Test
  void aSingleSessionKeepsItsBits() {
    Model model = TestModels.gru(11, 96, 76);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan with = Plan.compile(model, own.withBlas());
        Plan without = Plan.compile(model, own);
        Session left = Session.open(with);
        Session right = Session.open(without)) {
      for (int step = 0; step < 30; step++) {
        left.step(step % 11, a);
        right.step(step % 11, b);
        assertThat(a).isEqualTo(b);
      }
    }
  }
}
