package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenseTuningTest {
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");
  private static final int INPUTS = 40;
  private static final int UNITS = 60;

  private final Random random = new Random(5);

  /** h x d: a sum of {@code rank} dyads, the first the largest, and noise. */
  private Matrix matrix(int rows, int columns, int rank, double noise) {
    float[] values = new float[rows * columns];
    for (int k = 0; k < rank; k++) {
      double[] left = random.doubles(rows, -1, 1).toArray();
      double[] right = random.doubles(columns, -1, 1).toArray();
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) (left[i / columns] * right[i % columns] / (1 + k));
      }
    }
    for (int i = 0; i < values.length; i++) {
      values[i] += (float) (noise * random.nextGaussian());
    }
    return Matrix.of("W", rows, columns, values);
  }

  private Dense dense(String name, int inputs, int units, int rank, Activation activation) {
    float[] b = new float[units];
    for (int i = 0; i < units; i++) {
      b[i] = (float) (0.3 * random.nextGaussian());
    }
    return new Dense(name, matrix(units, inputs, rank, 0.02), Matrix.vector("b", b), activation);
  }

  private Model network() {
    return new Model(
        List.of(
            dense("one", INPUTS, UNITS, 6, Activation.RELU),
            dense("two", UNITS, UNITS, 4, Activation.RELU),
            dense("out", UNITS, 5, 5, Activation.LINEAR)));
  }

  private TuningData data(int steps) {
    float[][] vectors = new float[steps][INPUTS];
    for (float[] x : vectors) {
      for (int i = 0; i < INPUTS; i++) {
        x[i] = random.nextInt(4) == 0 ? 0 : random.nextFloat(-1, 1);
      }
    }
    return new TuningData(List.of(new TuningData.Vectors(vectors)), false);
  }

  /** W of known singular values: S between reflections, which are orthogonal. */
  private Dense ofValues(int units, int inputs, double[] values) {
    double[][] w = new double[units][inputs];
    for (int i = 0; i < values.length; i++) {
      w[i][i] = values[i];
    }
    for (int reflection = 0; reflection < 3; reflection++) {
      double[] v = random.doubles(units, -1, 1).toArray();
      double[] u = random.doubles(inputs, -1, 1).toArray();
      for (int column = 0; column < inputs; column++) {
        double dot = 0;
        double norm = 0;
        for (int i = 0; i < units; i++) {
          dot += v[i] * w[i][column];
          norm += v[i] * v[i];
        }
        for (int i = 0; i < units; i++) {
          w[i][column] -= 2 * dot / norm * v[i];
        }
      }
      for (int row = 0; row < units; row++) {
        double dot = 0;
        double norm = 0;
        for (int i = 0; i < inputs; i++) {
          dot += u[i] * w[row][i];
          norm += u[i] * u[i];
        }
        for (int i = 0; i < inputs; i++) {
          w[row][i] -= 2 * dot / norm * u[i];
        }
      }
    }
    float[] flat = new float[units * inputs];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = (float) w[i / inputs][i % inputs];
    }
    return new Dense(
        "a",
        Matrix.of("W", units, inputs, flat),
        Matrix.vector("b", new float[units]),
        Activation.RELU);
  }

  /** The values that W was made of, by iteration and by the whole decomposition. */
  @Test
  void factorsAreTheLeadingSingularTriplets() {
    int small = 90;
    double[] values = new double[small];
    for (int i = 0; i < small; i++) {
      values[i] = 10 * Math.pow(0.9, i);
    }
    for (boolean wide : new boolean[] {false, true}) {
      Dense layer = wide ? ofValues(small, 130, values) : ofValues(130, small, values);
      for (int rank : new int[] {1, 7, 12, 40, small}) {
        DenseFactors factors = DenseFactors.of(layer, rank);
        assertThat(factors.rank()).isEqualTo(rank);
        for (int i = 0; i < rank; i++) {
          assertThat(factors.singularValues()[i]).isCloseTo(values[i], within(1e-3 * values[i]));
        }
        double left = 0;
        for (int i = rank; i < small; i++) {
          left += values[i] * values[i];
        }
        assertThat(residual(layer, factors.estimated(0)))
            .isCloseTo(Math.sqrt(left), within(1e-3 * Math.sqrt(left) + 1e-4));
      }
    }
  }

  /** Frobenius norm of W - U V. */
  private static double residual(Dense layer, ConditionalDense estimated) {
    ConditionalDense.Estimate estimate = estimated.estimate();
    double squares = 0;
    for (int i = 0; i < layer.outputs(); i++) {
      for (int j = 0; j < layer.inputs(); j++) {
        double product = 0;
        for (int k = 0; k < estimate.rank(); k++) {
          product += (double) estimate.u().at(i, k) * estimate.v().at(k, j);
        }
        squares += Math.pow(layer.w().at(i, j) - product, 2);
      }
    }
    return Math.sqrt(squares);
  }

  @Test
  void aThresholdIsSubtractedFromTheBias() {
    Dense layer = dense("a", INPUTS, UNITS, 6, Activation.RELU);
    ConditionalDense estimated = DenseFactors.of(layer, 3).estimated(0.25f);
    for (int i = 0; i < UNITS; i++) {
      assertThat(estimated.estimate().e().at(i, 0)).isEqualTo(layer.b().at(i, 0) - 0.25f);
    }
    assertThat(estimated.w()).isEqualTo(layer.w());
    assertThat(estimated.b()).isEqualTo(layer.b());
  }

  /** At full rank nothing is lost but what float32 decides otherwise. */
  @Test
  void aFullRankLosesNothing() {
    Model model = network();
    TuningData data = data(300);
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, _ -> {})) {
      DenseEstimates estimates = new DenseEstimates(model, data, REFERENCE);
      DensePoint point = sweep.estimated(estimates, List.of(INPUTS, UNITS), 0);
      assertThat(point.largestError()).isLessThan(1e-4);
      assertThat(point.sameLargest()).isEqualTo(1);
      assertThat(point.signs().falseNegatives()).isLessThan(1e-3);
      assertThat(point.signs().falsePositives()).isLessThan(1e-3);
      assertThat(point.bound()).isLessThan(1);
    }
  }

  /** All numbers once more, from two sessions of the whole network cut after the first layer. */
  @Test
  void aPointIsWhatSessionsGive() {
    Model model = network();
    TuningData data = data(400);
    AtomicInteger told = new AtomicInteger();
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, told::addAndGet)) {
      DenseEstimates estimates = new DenseEstimates(model, data, REFERENCE);
      DensePoint point = sweep.estimated(estimates, List.of(4, 3), 0);
      assertThat(told.get()).isEqualTo(2 * DenseSweep.runs() * data.steps());
      assertThat(point.ranks()).containsExactly(4, 3);
      assertThat(sweep.exact().largestError()).isZero();
      assertThat(sweep.exact().ranks()).containsExactly(0, 0);

      Model estimated = estimates.of(List.of(4, 3), 0);
      ConditionalDense first = (ConditionalDense) estimated.layers().get(0);
      long positive = 0;
      long live = 0;
      long found = 0;
      double lost = 0;
      double all = 0;
      double largest = 0;
      double squares = 0;
      int same = 0;
      float[] y = new float[UNITS];
      float[] full = new float[UNITS];
      float[] out = new float[5];
      float[] expected = new float[5];
      try (Plan one = Plan.compile(new Model(List.of(first)), REFERENCE);
          Plan dense = Plan.compile(new Model(List.of(model.layers().get(0))), REFERENCE);
          Plan whole = Plan.compile(estimated, REFERENCE);
          Plan exact = Plan.compile(model, REFERENCE);
          Session a = Session.open(one);
          Session b = Session.open(dense);
          Session c = Session.open(whole);
          Session d = Session.open(exact)) {
        for (float[] x : ((TuningData.Vectors) data.sequences().get(0)).vectors()) {
          a.step(x, y);
          b.step(x, full);
          live += a.stats().liveUnits(0);
          for (int i = 0; i < UNITS; i++) {
            positive += full[i] > 0 ? 1 : 0;
            found += y[i] > 0 ? 1 : 0;
            lost += Math.pow(full[i] - y[i], 2);
            all += Math.pow(full[i], 2);
          }
          c.step(x, out);
          d.step(x, expected);
          int top = 0;
          int expectedTop = 0;
          for (int i = 0; i < 5; i++) {
            double error = Math.abs((double) out[i] - expected[i]);
            largest = Math.max(largest, error);
            squares += error * error;
            top = out[i] > out[top] ? i : top;
            expectedTop = expected[i] > expected[expectedTop] ? i : expectedTop;
          }
          same += top == expectedTop ? 1 : 0;
        }
      }
      DenseLayerPoint layer = point.layers().get(0);
      long cases = 400L * UNITS;
      assertThat(layer.signs()).isEqualTo(new DensePoint.Signs(cases, positive, live, found));
      assertThat(positive - found).as("lost activations").isPositive();
      assertThat(live - found).as("read in vain").isPositive();
      assertThat(layer.signs().falseNegatives()).isEqualTo((double) (positive - found) / cases);
      assertThat(layer.signs().falsePositives()).isEqualTo((double) (live - found) / cases);
      assertThat(layer.relativeError()).isCloseTo(Math.sqrt(lost / all), within(1e-9));
      assertThat(layer.tau()).isZero();
      double alpha = (double) live / cases;
      double dh = INPUTS * UNITS;
      assertThat(layer.bound()).isCloseTo(dh / (4 * (INPUTS + UNITS) + alpha * dh), within(1e-9));
      assertThat(point.largestError()).isEqualTo(largest);
      assertThat(point.rmsError()).isCloseTo(Math.sqrt(squares / (400 * 5)), within(1e-9));
      assertThat(point.sameLargest()).isEqualTo(same / 400.0).isLessThan(1);
      assertThat(point.signs().cases()).isEqualTo(2 * cases);
      assertThat(point.cost().bytesPerStep()).isLessThan(sweep.exact().cost().bytesPerStep());
      assertThat(layer.denseCost().bytesPerStep()).isEqualTo(UNITS * 4 * 64);
      assertThat(layer.cost().medianMicros()).isPositive();
    }
  }

  /** A share is met on the data it was asked for, whatever it costs. */
  @Test
  void thresholdsFindTheShareOfPositiveUnits() {
    Model model = network();
    TuningData data = data(500);
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, _ -> {})) {
      DenseEstimates estimates = new DenseEstimates(model, data, REFERENCE);
      double live = 0;
      double error = Double.MAX_VALUE;
      for (double share : new double[] {0.6, 0.9, 0.999}) {
        DensePoint point = sweep.estimated(estimates, List.of(4, 0), share);
        DensePoint.Signs signs = point.layers().get(0).signs();
        assertThat((double) signs.found() / signs.positive()).isCloseTo(share, within(0.002));
        assertThat(signs.liveFraction()).isGreaterThan(live);
        assertThat(point.rmsError()).isLessThan(error);
        assertThat(point.layers()).hasSize(1);
        live = signs.liveFraction();
        error = point.rmsError();
      }
    }
  }

  @Test
  void theSmallestRankOfAnAgreementIsFound() {
    Model model = network();
    TuningData data = data(300);
    DenseEstimates estimates = new DenseEstimates(model, data, REFERENCE);
    List<Integer> ranks = estimates.ranks(0.97);
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, _ -> {})) {
      // The first layer alone: the second would read what the first one lost.
      int rank = ranks.get(0);
      assertThat(rank).isBetween(2, 8);
      assertThat(agreement(sweep, estimates, rank)).isGreaterThanOrEqualTo(0.97);
      assertThat(agreement(sweep, estimates, rank - 1)).isLessThan(0.97);
    }
    assertThat(estimates.ranks(0.9).get(0)).isLessThanOrEqualTo(ranks.get(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> estimates.ranks(0))
        .withMessageContaining("agreement 0.0");
  }

  private static double agreement(DenseSweep sweep, DenseEstimates estimates, int rank) {
    DensePoint.Signs signs =
        sweep.estimated(estimates, List.of(rank, 0), 0).layers().get(0).signs();
    return 1 - signs.falseNegatives() - signs.falsePositives();
  }

  @Test
  void anAgreementThatNoCheapRankReachesIsRefused() {
    Dense noise =
        new Dense(
            "noise",
            matrix(UNITS, INPUTS, 0, 1),
            Matrix.vector("b", new float[UNITS]),
            Activation.RELU);
    DenseEstimates estimates = new DenseEstimates(new Model(List.of(noise)), data(100), REFERENCE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> estimates.ranks(0.999))
        .withMessageContaining("layer noise")
        .withMessageContaining("rank up to 23")
        .withMessageContaining("ask for less than 0.999");
  }

  /** Of every dense layer the columns of its zero inputs; here a quarter of the first's. */
  @Test
  void theBaselineOfZeroInputsIsCounted() {
    Model model = network();
    TuningData data = data(2000);
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, _ -> {});
        Plan plan = Plan.compile(model, REFERENCE);
        Plan one = Plan.compile(new Model(model.layers().subList(0, 1)), REFERENCE);
        Plan two = Plan.compile(new Model(model.layers().subList(0, 2)), REFERENCE);
        Session first = Session.open(one);
        Session second = Session.open(two)) {
      double[] zeros = new double[3];
      float[] y = new float[UNITS];
      for (float[] x : ((TuningData.Vectors) data.sequences().get(0)).vectors()) {
        zeros[0] += count(x) / (double) INPUTS;
        first.step(x, y);
        zeros[1] += count(y) / (double) UNITS;
        second.step(x, y);
        zeros[2] += count(y) / (double) UNITS;
      }
      assertThat(zeros[0] / 2000).isCloseTo(0.25, within(0.02));
      double row = 4 * 64;
      double read =
          row * (UNITS * (1 - zeros[0] / 2000) + UNITS * (1 - zeros[1] / 2000))
              + row * 5 * (1 - zeros[2] / 2000);
      assertThat(sweep.zeroInputBound()).isCloseTo(plan.denseBytesPerStep() / read, within(1e-9));
    }
  }

  private static int count(float[] values) {
    int zeros = 0;
    for (float value : values) {
      zeros += value == 0 ? 1 : 0;
    }
    return zeros;
  }

  @Test
  void tokensAreReadToo(@TempDir Path folder) throws Exception {
    Vocabulary vocabulary = new Vocabulary("abcdefghij");
    Model model =
        new Model(
            List.of(
                dense("one", 10, UNITS, 6, Activation.RELU),
                dense("out", UNITS, 10, 5, Activation.SOFTMAX)),
            vocabulary);
    TuningData data = TuningData.predicted(random.ints(300, 0, 10).toArray());
    DenseEstimates estimates = new DenseEstimates(model, data, REFERENCE);
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, _ -> {})) {
      DensePoint point = sweep.estimated(estimates, List.of(3), 0.95);
      assertThat(point.bitsPerToken()).isPresent();
      assertThat(point.layers().get(0).inputs()).isEqualTo(1);
      assertThat(point.layers().get(0).tau()).isNotZero();
      // A token is one column: there is nothing to skip but the output layer's columns.
      assertThat(point.bound()).isLessThan(1);
    }
    Path file = folder.resolve("estimated.safetensors");
    estimates.of(List.of(3), 0.95).save(file);
    Model saved = Model.load(file);
    assertThat(saved.vocabulary()).contains(vocabulary);
    assertThat(saved.layers().get(0)).isInstanceOf(ConditionalDense.class);
    assertThat(DenseEstimates.layers(saved)).isEmpty();
    float[] out = new float[10];
    try (Plan plan = Plan.compile(saved, REFERENCE);
        Session session = Session.open(plan)) {
      session.step(3, out);
      assertThat(session.stats().liveFraction(0)).isStrictlyBetween(0.0, 1.0);
    }
  }

  @Test
  void whatCannotBeEstimatedIsRefused() {
    Model model = network();
    TuningData data = data(20);
    DenseEstimates estimates = new DenseEstimates(model, data, REFERENCE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> estimates.of(List.of(3), 0))
        .withMessage("1 ranks [3] for 2 layers that can be estimated: [one, two]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> estimates.of(List.of(41, 3), 0))
        .withMessageContaining("rank 41 is not from 1 to 40, the smaller side of W of layer one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> estimates.of(List.of(3, 3), 1.5))
        .withMessageContaining("share 1.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DenseFactors.of(DenseEstimates.layers(model).get(0), 41))
        .withMessageContaining("give one from 1 to 40");
    Model linear = new Model(List.of(dense("out", INPUTS, 5, 5, Activation.LINEAR)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DenseSweep.of(linear, data, REFERENCE, _ -> {}))
        .withMessageContaining("no layer of this network can be estimated");
    List<String> names = new ArrayList<>();
    DenseEstimates.layers(model).forEach(layer -> names.add(layer.name()));
    assertThat(names).containsExactly("one", "two");
    try (DenseSweep sweep = DenseSweep.of(model, data, REFERENCE, _ -> {})) {
      assertThatIllegalArgumentException()
          .isThrownBy(() ->
              sweep.estimated(new DenseEstimates(network(), data, REFERENCE), List.of(3, 3), 0))
          .withMessageContaining("another network");
    }
  }
}
