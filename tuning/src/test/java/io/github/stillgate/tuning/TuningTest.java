package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TuningTest {
  private static final String CHARACTERS = " abcdefghijklmnopqrstuvwxyz";
  private static final int UNITS = 48;
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");

  private final Random random = new Random(7);

  private Matrix matrix(String name, int rows, int columns, double scale) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return Matrix.of(name, rows, columns, values);
  }

  private Matrix bias(String name, int rows, float value) {
    float[] values = new float[rows];
    Arrays.fill(values, value);
    return Matrix.vector(name, values);
  }

  private Gru gru(int inputs, Reset reset) {
    return Gru.named("rnn")
        .update(
            new Sums(
                matrix("Wz", UNITS, inputs, 1.5),
                matrix("Uz", UNITS, UNITS, 0.3),
                bias("bz", UNITS, -2)))
        .reset(
            new Sums(
                matrix("Wr", UNITS, inputs, 1),
                matrix("Ur", UNITS, UNITS, 0.2),
                bias("br", UNITS, 0)))
        .candidate(
            new Sums(
                matrix("Wc", UNITS, inputs, 1),
                matrix("Uc", UNITS, UNITS, 0.2),
                bias("bc", UNITS, 0)))
        .resetPosition(reset)
        .activations(Gru.Activations.STANDARD)
        .build();
  }

  private Dense dense(int outputs, Activation activation) {
    return new Dense("out", matrix("W", outputs, UNITS, 0.5), bias("b", outputs, 0), activation);
  }

  private Model characterModel() {
    return new Model(
        List.of(
            gru(CHARACTERS.length(), Reset.AFTER), dense(CHARACTERS.length(), Activation.SOFTMAX)),
        new Vocabulary(CHARACTERS));
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, CHARACTERS.length()).toArray();
  }

  /** The way from a network to the one that is used, as the documentation has it. */
  @Test
  void aNetworkIsSweptEstimatedAndSaved(@TempDir Path folder) throws Exception {
    Model model = characterModel();
    TuningData data = TuningData.predicted(tokens(600));
    Sweep sweep = Sweep.of(model, data, REFERENCE);
    Estimates estimates = new Estimates(model, data, REFERENCE, 0.99);
    for (float epsilon : new float[] {0.03f, 0.3f}) {
      sweep.below(epsilon);
      sweep.below(epsilon, estimates, 12);
    }
    SweepPoint best = sweep.result().fastestOf(12, 1).orElseThrow();
    Path file = folder.resolve("estimated.safetensors");
    estimates.of(best.rank().getAsInt(), best.epsilon()).save(file);
    Model saved = Model.load(file);
    assertThat(((Gru) saved.layers().get(0)).estimate().orElseThrow().rank()).isEqualTo(12);
    assertThat(saved.fingerprint()).isEqualTo(model.fingerprint());
    float[] out = new float[saved.outputs()];
    try (Plan plan = Plan.compile(saved, REFERENCE.withSkipping(Skipping.below(best.epsilon())));
        Session session = Session.open(plan)) {
      for (int token : tokens(50)) {
        session.step(token, out);
      }
      assertThat(session.stats().liveFraction(0)).isStrictlyBetween(0.0, 1.0);
    }
  }

  @Test
  void aLargerEpsilonReadsLessAndErrsMore() {
    Sweep sweep = Sweep.of(characterModel(), TuningData.predicted(tokens(600)), REFERENCE);
    SweepPoint exact = sweep.exact();
    assertThat(exact.largestError()).isZero();
    assertThat(exact.rmsError()).isZero();
    assertThat(exact.liveFraction()).isEqualTo(1);
    // No gate of this network is so shut: nothing is skipped.
    SweepPoint nothing = sweep.below(0.000001f);
    assertThat(nothing.largestError()).isLessThan(1e-6);
    assertThat(nothing.bitsPerToken().orElseThrow())
        .isCloseTo(exact.bitsPerToken().orElseThrow(), within(1e-6));
    SweepPoint low = sweep.below(0.03f);
    SweepPoint high = sweep.below(0.3f);
    assertThat(high.liveFraction()).isLessThan(low.liveFraction());
    assertThat(high.bytesPerStep()).isLessThan(low.bytesPerStep());
    assertThat(high.rmsError()).isGreaterThan(low.rmsError()).isLessThan(high.largestError());
    assertThat(sweep.result()).isEqualTo(new SweepResult(exact, List.of(nothing, low, high)));
  }

  /** The error and the score, worked out once more from two sessions. */
  @Test
  void errorsAndBitsAreThoseOfTheOutputs() {
    Model model = characterModel();
    int[] tokens = tokens(300);
    float epsilon = 0.2f;
    double largest = 0;
    double squares = 0;
    double bits = 0;
    float[] y = new float[model.outputs()];
    float[] other = new float[model.outputs()];
    try (Plan exact = Plan.compile(model, REFERENCE);
        Plan below = Plan.compile(model, REFERENCE.withSkipping(Skipping.below(epsilon)));
        Session exactly = Session.open(exact);
        Session nearly = Session.open(below)) {
      for (int t = 0; t < tokens.length; t++) {
        exactly.step(tokens[t], y);
        nearly.step(tokens[t], other);
        for (int i = 0; i < y.length; i++) {
          double error = (double) other[i] - y[i];
          largest = Math.max(largest, Math.abs(error));
          squares += error * error;
        }
        bits -= t + 1 < tokens.length ? Math.log(other[tokens[t + 1]]) / Math.log(2) : 0;
      }
    }
    SweepPoint point = Sweep.of(model, TuningData.predicted(tokens), REFERENCE).below(epsilon);
    assertThat(point.largestError()).isEqualTo(largest).isPositive();
    assertThat(point.rmsError()).isCloseTo(Math.sqrt(squares / (300.0 * y.length)), within(1e-12));
    assertThat(point.bitsPerToken().orElseThrow()).isCloseTo(bits / 299, within(1e-9));
  }

  @Test
  void progressHearsOfEveryStepOfEveryRun() {
    AtomicInteger steps = new AtomicInteger();
    Model model = new Model(List.of(gru(3, Reset.AFTER)));
    TuningData data =
        TuningData.of(
            new ProofVectors(
                List.of(
                    new ProofVectors.Case(
                        "a", Optional.empty(), new float[1500][3], new float[1500][UNITS]),
                    new ProofVectors.Case(
                        "b", Optional.empty(), new float[100][3], new float[100][UNITS]))));
    Sweep sweep = Sweep.of(model, data, REFERENCE, steps::addAndGet);
    assertThat(steps).hasValue(1600);
    assertThat(sweep.below(0.1f).bitsPerToken()).isEmpty();
    assertThat(steps).hasValue(3200);
  }

  @Test
  void dataIsCutAtAStep() {
    TuningData data =
        new TuningData(
            List.of(
                new TuningData.Tokens(new int[20]),
                new TuningData.Tokens(new int[30]),
                new TuningData.Tokens(new int[40])),
            false);
    assertThat(data.steps()).isEqualTo(90);
    assertThat(data.first(45).sequences())
        .extracting(TuningData.Sequence::steps)
        .containsExactly(20, 25);
    assertThat(data.first(1000)).isEqualTo(data);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> data.first(0))
        .withMessageContaining("no step");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TuningData(List.of(new TuningData.Vectors(new float[2][3])), true))
        .withMessageContaining("no next token");
  }

  @Test
  void theFastestPointWithinTheErrorIsChosen() {
    SweepPoint exact = point(0, OptionalInt.empty(), 10, 0);
    SweepPoint good = point(0.03f, OptionalInt.empty(), 8, 0.01);
    SweepPoint wild = point(0.3f, OptionalInt.of(16), 4, 0.5);
    SweepPoint slow = point(0.001f, OptionalInt.of(8), 11, 0.0001);
    SweepResult result = new SweepResult(exact, List.of(slow, good, wild));
    assertThat(result.fastest(0.02)).contains(good);
    assertThat(result.fastest(1)).contains(wild);
    assertThat(result.fastest(0.001)).isEmpty();
    assertThat(result.fastestOf(8, 1)).contains(slow);
    assertThat(result.fastestOf(16, 0.02)).isEmpty();
  }

  private static SweepPoint point(float epsilon, OptionalInt rank, double micros, double error) {
    return new SweepPoint(epsilon, rank, 1, 3000, micros, error, error, OptionalDouble.empty());
  }

  /** Cut nowhere, the decomposition is the gate. */
  @Test
  void theFullRankIsTheGateAndALowerOneIsClose() {
    Gru layer = gru(20, Reset.AFTER);
    EstimateFactors factors = new EstimateFactors(layer);
    double[] errors = new double[2];
    int[] ranks = {UNITS, 24};
    for (int r = 0; r < 2; r++) {
      GateEstimate estimate = factors.estimate(ranks[r]);
      double size = 0;
      for (int i = 0; i < UNITS; i++) {
        for (int j = 0; j < 20 + UNITS; j++) {
          double exact = j < 20 ? layer.z().w().at(i, j) : layer.z().u().at(i, j - 20);
          double sum = 0;
          for (int k = 0; k < ranks[r]; k++) {
            sum +=
                (double) estimate.up().at(i, k)
                    * (j < 20 ? estimate.wDown().at(k, j) : estimate.uDown().at(k, j - 20));
          }
          errors[r] += (sum - exact) * (sum - exact);
          size += exact * exact;
        }
      }
      errors[r] /= size;
    }
    assertThat(errors[0]).isLessThan(1e-10);
    // Random matrices are hard: half of the values hold most of the size all the same.
    assertThat(errors[1]).isBetween(1e-4, 0.2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> factors.estimate(UNITS + 1))
        .withMessageContaining("rnn");
  }

  /** A share of 1 overlooks no unit that moves on the data it was found on; a lower one may. */
  @Test
  void theCorrectionRisesWithTheShare() {
    Model model = characterModel();
    TuningData data = TuningData.predicted(tokens(500));
    EstimateCalibration calibration = new EstimateCalibration(model, 0, data, REFERENCE);
    EstimateFactors factors = new EstimateFactors((Gru) model.layers().get(0));
    // With the whole gate there is nothing to correct.
    assertThat(calibration.calibrated(factors.estimate(UNITS), 0.3f, 1).correction())
        .isBetween(-0.5f, 2e-4f);
    float all = calibration.calibrated(factors.estimate(8), 0.3f, 1).correction();
    float most = calibration.calibrated(factors.estimate(8), 0.3f, 0.9).correction();
    assertThat(all).isGreaterThan(most).isPositive();
  }

  @Test
  void whatCannotBeTunedIsRefusedWithTheReason() {
    Model model = characterModel();
    TuningData data = TuningData.predicted(tokens(20));
    Model before = new Model(List.of(gru(3, Reset.BEFORE)));
    TuningData vectors = new TuningData(List.of(new TuningData.Vectors(new float[5][3])), false);
    assertRefused(() -> Sweep.of(before, vectors, REFERENCE), "changes no layer");
    assertRefused(() -> new EstimateCalibration(before, 0, vectors, REFERENCE), "layer rnn");
    assertRefused(() -> new EstimateCalibration(model, 1, data, REFERENCE), "layer out");
    assertRefused(() -> new Estimates(model, data, REFERENCE, 0), "share 0.0");
    assertRefused(() -> new Estimates(model, data, REFERENCE, Double.NaN), "share NaN");
    Estimates estimates = new Estimates(model, data, REFERENCE, 0.99);
    assertRefused(() -> estimates.of(UNITS, 0.1f), "rank 48");
    assertRefused(() -> estimates.of(0, 0.1f), "rank 0");
    assertRefused(() -> estimates.of(8, 1), "epsilon 1.0");
    Sweep sweep = Sweep.of(model, data, REFERENCE);
    assertRefused(() -> sweep.below(0), "epsilon 0.0");
    Model other = characterModel();
    assertRefused(
        () -> sweep.below(0.1f, new Estimates(other, data, REFERENCE, 0.99), 8), "another network");
    TuningData beyond = TuningData.predicted(new int[] {0, CHARACTERS.length()});
    assertRefused(() -> Sweep.of(model, beyond, REFERENCE), "token 27");
    assertRefused(() -> new Estimates(model, beyond, REFERENCE, 1).of(8, 0.1f), "27");
    assertRefused(() -> Sweep.of(new Model(List.of(gru(4, Reset.AFTER))), vectors, REFERENCE), "3");
  }

  private static void assertRefused(Runnable call, String reason) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContaining(reason);
  }
}
