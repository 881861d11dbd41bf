package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.WeightedSum;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That operations compute what their formulas say, whatever backend is below them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class GraphOperationsContract {
  private final Backend backend;

  protected GraphOperationsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  /** Against the functions of {@link Math}; where they have no finite value, what we say. */
  @ParameterizedTest
  @EnumSource(
      value = Activation.Function.class,
      names = {
        "EXP",
        "LOG",
        "SQRT",
        "POWER",
        "RECIPROCAL",
        "ABS",
        "FLOOR",
        "ERF",
        "SOFTPLUS",
        "GELU",
        "SILU"
      })
  void functionsAgreeWithFloat64(Activation.Function function) {
    float[] x = {
      -100, -7.5f, -2, -1.25f, -0.5f, -1e-3f, 0, 1e-20f, 1e-3f, 0.3f, 0.99f, 1, 1.5f, 2, 3.25f, 30,
      80
    };
    for (float exponent : new float[] {2, 3, -1}) {
      Activation.Elementwise f = Activation.LINEAR.then(function, exponent, 0);
      Elementwise layer = new Elementwise("f", x.length, f);
      Graph graph = Graph.builder().input("x", x.length).node(layer, "x").output("f").build();
      try (Plan plan = Plan.compile(new Model(graph), options());
          Session session = Session.open(plan)) {
        session.set("x", x);
        session.step();
        float[] y = Steps.output(session, "f");
        for (int i = 0; i < x.length; i++) {
          double limit = 0x1p59;
          double expected =
              Math.clamp(Float64Model.apply(f.steps().getFirst(), x[i]), -limit, limit);
          assertThat((double) y[i])
              .as("%s(%s)", function, x[i])
              .isCloseTo(expected, within(3e-7 * Math.max(1e-3, Math.abs(expected))));
        }
      }
    }
  }

  /**
   * A convolution of three taps over 5 positions of 2 channels, attention, and a layer norm, as
   * their definitions say in float64.
   */
  @Test
  void layersMadeForGraphsAgreeWithFloat64() {
    SplittableRandom random = new SplittableRandom(9);
    float[] w = Bits.floats(4 * 6, i -> (float) random.nextDouble(-1, 1));
    float[] b = Bits.floats(4, i -> (float) random.nextDouble(-1, 1));
    float[] gain = {1.5f, -0.5f, 2, 0.25f};
    // Window p of 3 taps, of 2 channels each: taps outside are 0.
    IndexMap windows =
        IndexMap.of(
            "windows",
            10,
            30,
            i -> {
              int position = i / 6 + i % 6 / 2 - 1;
              return position < 0 || position > 4 ? -1 : 2 * position + i % 2;
            });
    Graph graph =
        Graph.builder()
            .input("x", 10)
            .node(windows, "x")
            .node(
                new Positions(
                    "conv", 5, 1, Matrix.of("W", 4, 6, w), Matrix.vector("b", b), Activation.TANH),
                "windows")
            .node(IndexMap.of("transposed", 20, 20, i -> i % 5 * 4 + i / 5), "conv")
            .node(new MatrixProduct("scores", 5, 4, 5), "conv", "transposed")
            .node(new Softmax("attention", 5, 5), "scores")
            .node(new MatrixProduct("mixed", 5, 5, 4), "attention", "conv")
            .node(new Normalise("norm", 5, 4, 1e-5f), "mixed")
            .node(
                new WeightedSum(
                    "scaled",
                    20,
                    Matrix.of("W", 1, 4, gain),
                    Matrix.vector("b", b),
                    Activation.LINEAR),
                "norm")
            .node(new Reduction("mean", 5, 4, Reduction.Kind.MEAN), "scaled")
            .output("scaled")
            .output("mean")
            .build();
    float[] x = Bits.floats(10, i -> (float) random.nextDouble(-1, 1));
    double[][] conv = new double[5][4];
    for (int p = 0; p < 5; p++) {
      for (int o = 0; o < 4; o++) {
        double sum = b[o];
        for (int tap = 0; tap < 3; tap++) {
          for (int channel = 0; channel < 2; channel++) {
            int at = p + tap - 1;
            sum +=
                at < 0 || at > 4 ? 0 : w[6 * o + 2 * tap + channel] * (double) x[2 * at + channel];
          }
        }
        conv[p][o] = Math.tanh(sum);
      }
    }
    double[] scaled = new double[20];
    double[] mean = new double[5];
    for (int p = 0; p < 5; p++) {
      double[] e = new double[5];
      double all = 0;
      for (int q = 0; q < 5; q++) {
        for (int o = 0; o < 4; o++) {
          e[q] += conv[p][o] * conv[q][o];
        }
        e[q] = Math.exp(e[q]);
        all += e[q];
      }
      double[] mixed = new double[4];
      double average = 0;
      for (int o = 0; o < 4; o++) {
        for (int q = 0; q < 5; q++) {
          mixed[o] += e[q] / all * conv[q][o];
        }
        average += mixed[o] / 4;
      }
      double variance = 0;
      for (int o = 0; o < 4; o++) {
        variance += (mixed[o] - average) * (mixed[o] - average) / 4;
      }
      for (int o = 0; o < 4; o++) {
        scaled[4 * p + o] = gain[o] * (mixed[o] - average) / Math.sqrt(variance + 1e-5) + b[o];
        mean[p] += scaled[4 * p + o] / 4;
      }
    }
    try (Plan plan = Plan.compile(new Model(graph), options());
        Session session = Session.open(plan)) {
      session.set("x", x);
      session.step();
      float[] actual = Steps.output(session, "scaled");
      for (int i = 0; i < 20; i++) {
        assertThat((double) actual[i]).isCloseTo(scaled[i], within(2e-5));
      }
      float[] means = Steps.output(session, "mean");
      for (int i = 0; i < 5; i++) {
        assertThat((double) means[i]).isCloseTo(mean[i], within(2e-5));
      }
      assertThat(session.stats().bytesRead()).isPositive();
    }
  }

  @Test
  void whatHasNoFiniteValueHasTheOneThatIsDocumented() {
    float[] a = {1, -1, 0, -2, -8, 0, 1e20f, 0};
    float[] b = {0, 0, 0, 3, 0.5f, -1, 1e20f, 0.5f};
    Graph graph =
        Graph.builder()
            .input("a", 8)
            .input("b", 8)
            .node(new Combine("divided", 8, Combine.Kind.DIVIDE), "a", "b")
            .node(new Combine("power", 8, Combine.Kind.POWER), "a", "b")
            .node(new Combine("product", 8, Combine.Kind.MULTIPLY), "a", "b")
            .output("divided")
            .output("power")
            .output("product")
            .build();
    float limit = 0x1p59f;
    PlanOptions wide = options().withInputBound(1e21f);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(new Model(graph), wide))
        .withMessageContaining("layer divided: what it reads could reach 1.00e+21")
        .withMessageContaining("Clip it");
    a[6] = 1e10f;
    b[6] = 1e10f;
    try (Plan plan = Plan.compile(new Model(graph), options().withInputBound(1e11f));
        Session session = Session.open(plan)) {
      session.set("a", a);
      session.set("b", b);
      session.step();
      assertThat(Steps.output(session, "divided"))
          .containsExactly(limit, -limit, 0, -2f / 3, -16, -0f, 1, 0);
      assertThat(Steps.output(session, "power")).containsExactly(1, 1, 1, -8, 0, limit, limit, 0);
      assertThat(Steps.output(session, "product"))
          .containsExactly(0, -0f, 0, -6, -4, -0f, limit, 0);
    }
  }
}
