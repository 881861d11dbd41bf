package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MovedSweepTest {
  private static final int INPUTS = 3;
  private static final int UNITS = 40;
  private static final int CLASSES = 5;
  private static final int STEPS = 200;
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");

  private final Random random = new Random(71);

  private Matrix matrix(String name, int rows, int columns, double scale) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return Matrix.of(name, rows, columns, values);
  }

  private Sums sums(String kind) {
    return new Sums(
        matrix("W" + kind, UNITS, INPUTS, 1),
        matrix("U" + kind, UNITS, UNITS, 0.2),
        Matrix.vector("b" + kind, new float[UNITS]));
  }

  private Model model() {
    Gru gru =
        Gru.named("rnn")
            .update(sums("z"))
            .reset(sums("r"))
            .candidate(sums("c"))
            .resetPosition(Reset.AFTER)
            .activations(Gru.Activations.STANDARD)
            .build();
    return new Model(List.of(gru, dense("out", CLASSES, UNITS)));
  }

  private Dense dense(String name, int outputs, int inputs) {
    return new Dense(
        name,
        matrix("W", outputs, inputs, 0.5),
        Matrix.vector("b", new float[outputs]),
        Activation.LINEAR);
  }

  private float[][] vectors() {
    float[][] vectors = new float[STEPS][INPUTS];
    for (float[] vector : vectors) {
      for (int i = 0; i < INPUTS; i++) {
        vector[i] = (float) random.nextDouble(-1, 1);
      }
    }
    return vectors;
  }

  private static float[][] outputs(Model model, PlanOptions options, float[][] vectors) {
    float[][] outputs = new float[vectors.length][model.outputs()];
    try (Plan plan = Plan.compile(model, options);
        Session session = Session.open(plan)) {
      for (int step = 0; step < vectors.length; step++) {
        session.step(vectors[step], outputs[step]);
      }
    }
    return outputs;
  }

  private static int largest(float[] values) {
    int largest = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[largest]) {
        largest = i;
      }
    }
    return largest;
  }

  private static void assertComparedWith(float[][] exact, float[][] found, MovedPoint point) {
    double most = 0;
    double squares = 0;
    double other = 0;
    for (int step = 0; step < exact.length; step++) {
      for (int i = 0; i < CLASSES; i++) {
        double error = Math.abs((double) found[step][i] - exact[step][i]);
        most = Math.max(most, error);
        squares += error * error;
      }
      other += largest(exact[step]) == largest(found[step]) ? 0 : 1;
    }
    assertThat(point.largestError()).isEqualTo(most).isPositive();
    assertThat(point.rmsError()).isEqualTo(Math.sqrt(squares / (exact.length * CLASSES)));
    assertThat(point.changed()).isEqualTo(other / exact.length);
  }

  @Test
  void runsAreComparedWithFloat32AndReadLessWithAThreshold() {
    Model model = model();
    float[][] vectors = vectors();
    TuningData data = new TuningData(List.of(new TuningData.Vectors(vectors)), false);
    AtomicInteger progress = new AtomicInteger();
    MovedSweep sweep = MovedSweep.of(model, data, REFERENCE, progress::addAndGet);
    MovedPoint whole = sweep.above(0);
    MovedPoint lagging = sweep.above(40);
    MovedPoint last = sweep.above("out", 40);
    assertThat(progress).hasValue(4 * STEPS);

    float[][] exact = outputs(model, REFERENCE, vectors);
    PlanOptions int8 = REFERENCE.withWeights(WeightFormat.I8);
    assertComparedWith(exact, outputs(model, int8, vectors), whole);
    assertComparedWith(exact, outputs(model, int8.withMovementThreshold(40), vectors), lagging);
    assertComparedWith(exact, outputs(model, int8.withMovementThreshold("out", 40), vectors), last);
    assertThat(lagging.changed()).isPositive();

    assertThat(sweep.exact().largestError()).isZero();
    assertThat(sweep.exact().changed()).isZero();
    assertThat(whole.bytesPerStep()).isLessThan(sweep.exact().bytesPerStep() / 3);
    assertThat(lagging.bytesPerStep()).isLessThan(last.bytesPerStep());
    assertThat(last.bytesPerStep()).isLessThan(whole.bytesPerStep());
    // A threshold behind the GRU changes nothing in it.
    assertThat(last.moved().get(0)).isEqualTo(whole.moved().get(0));
    assertThat(last.moved().get(1)).isLessThan(whole.moved().get(1));
    assertThat(lagging.moved().get(0)).isLessThan(whole.moved().get(0));
    assertThat(sweep.result().points()).containsExactly(whole, lagging);
    assertThat(sweep.result().layers()).containsExactly(last);
  }

  @Test
  void columnsThatAreFollowedAreCounted() {
    Model model = model();
    List<FollowedLayer> unbounded = FollowedLayer.of(model, REFERENCE);
    assertThat(unbounded.get(0).columns())
        .isEqualTo(new Plan.Columns(INPUTS + UNITS, UNITS, false));
    assertThat(unbounded.get(0).isFollowed()).isTrue();
    assertThat(unbounded.get(0).followsAll()).isFalse();
    assertThat(unbounded.get(1).columns()).isEqualTo(new Plan.Columns(UNITS, UNITS, true));
    assertThat(FollowedLayer.of(model, REFERENCE.withInputBound(1)).get(0).columns())
        .isEqualTo(new Plan.Columns(INPUTS + UNITS, INPUTS + UNITS, true));
    try (Plan plan = Plan.compile(model, REFERENCE)) {
      assertThat(plan.columns(0)).isEqualTo(new Plan.Columns(INPUTS + UNITS, 0, false));
    }
  }

  @Test
  void aNetworkWithNothingToFollowIsRefused() {
    Model model = new Model(List.of(dense("only", CLASSES, INPUTS)));
    TuningData data = new TuningData(List.of(new TuningData.Vectors(vectors())), false);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MovedSweep.of(model, data, REFERENCE, _ -> {}))
        .withMessageContaining("only")
        .withMessageContaining("withInputBound(1)");
  }
}
