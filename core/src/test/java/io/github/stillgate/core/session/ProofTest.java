package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a proof says when outputs differ. */
class ProofTest {
  private static final int STEPS = 20;

  /** Gives 1 at every step. */
  private static Plan ones() {
    Dense one =
        new Dense(
            "one", Matrix.of("one.W", 1, 1, 0f), Matrix.vector("one.b", 1f), Activation.LINEAR);
    return Plan.compile(new Model(List.of(one)), PlanOptions.defaults().withBackend("reference"));
  }

  /** Expects 1 plus an error that is {@code first} and grows by {@code factor} a step. */
  private static ProofVectors errors(double first, double factor) {
    float[][] input = new float[STEPS][1];
    float[][] output = new float[STEPS][1];
    for (int t = 0; t < STEPS; t++) {
      output[t][0] = (float) (1 + first * Math.pow(factor, t));
    }
    return new ProofVectors(List.of(new ProofVectors.Case("a", Optional.empty(), input, output)));
  }

  /** 1e-7 times 1.3 a step: below 1e-6 up to step 8, above 1e-5 from step 18 on. */
  @Test
  void roundingThatGrowsIsNoOtherNetwork() {
    try (Plan plan = ones()) {
      assertThat(Proof.replay(plan, errors(1e-6, 1), 1e-5)).isBetween(9e-7, 1.1e-6);
      assertThatThrownBy(() -> Proof.replay(plan, errors(1e-7, 1.3), 1e-5))
          .isInstanceOf(ProofFailedException.class)
          .hasMessageContaining("case a, step 18, output 0 is 1.0, but 1.00001")
          .hasMessageContainingAll("steps agree within", "then the difference grows")
          .hasMessageContaining(
              "this network amplifies rounding; shorten the vectors or raise --tolerance")
          .hasMessageNotContaining("order of the gates")
          .satisfies(e -> {
            Matcher factor = Pattern.compile("factor ([0-9.]+) a step").matcher(e.getMessage());
            assertThat(factor.find()).isTrue();
            assertThat(Double.parseDouble(factor.group(1))).isBetween(1.25, 1.35);
          });
    }
  }

  /**
   * The logistic map {@code y' = 1 - 2 y^2}, whose errors double a step on average, as float32 and
   * as float64: a network that is chaotic, and the same.
   */
  @Test
  void aNetworkThatAmplifiesRoundingIsToldApart() {
    Graph graph =
        Graph.builder()
            .input("x", 1)
            .state("y", Matrix.vector("y", 0.3f), "next")
            .node(new Combine("square", 1, Combine.Kind.MULTIPLY), "y", "y")
            .node(
                new Dense(
                    "doubled",
                    Matrix.of("W", 1, 1, -2f),
                    Matrix.vector("b", 1f),
                    Activation.LINEAR),
                "square")
            .node(new Combine("next", 1, Combine.Kind.ADD), "doubled", "x")
            .output("next")
            .build();
    int steps = 40;
    float[][] output = new float[steps][1];
    double y = 0.3f;
    for (int t = 0; t < steps; t++) {
      y = 1 - 2 * y * y;
      output[t][0] = (float) y;
    }
    ProofVectors vectors = proof(new float[steps][1], output);
    try (Plan plan =
        Plan.compile(new Model(graph), PlanOptions.defaults().withBackend("reference"))) {
      assertThatThrownBy(() -> Proof.replay(plan, vectors, 1e-3))
          .hasMessageMatching(
              ".*The first ([5-9]|1[0-2]) steps agree within [0-9.]+e-0[5-7], then the difference grows"
                  + " by a factor (1\\.[5-9]|2\\.[0-4])[0-9]* a step: this network amplifies rounding.*");
    }
  }

  @Test
  void anotherNetworkIsOffAtOnce() {
    try (Plan plan = ones()) {
      assertThatThrownBy(() -> Proof.replay(plan, errors(0.1, 1), 1e-5))
          .hasMessageContaining("case a, step 0, output 0 is 1.0, but 1.1 was expected")
          .hasMessageContaining(
              "It differs at the first step, so this is not the network the vectors came from")
          .hasMessageContaining("order of the gates")
          .hasMessageContaining("linear_before_reset")
          .hasMessageContaining("LayerNorm")
          .hasMessageContaining("fp16")
          .hasMessageNotContaining("agree within");
      assertThatThrownBy(() -> Proof.replay(plan, errors(1e-8, 30), 1e-5))
          .hasMessageContaining("The first 3 steps agree within")
          .hasMessageContaining("then it is off at once: this is not the network")
          .hasMessageContaining("linear_before_reset");
    }
  }

  /** An error that is there from the first step on and stays is no rounding that grows. */
  @Test
  void aDifferenceThatDoesNotGrowIsSaid() {
    try (Plan plan = ones()) {
      assertThatThrownBy(() -> Proof.replay(plan, errors(8e-6, 1.02), 1e-5))
          .hasMessageContaining("The first 12 steps agree within 9.9e-06")
          .hasMessageContaining("the difference does not grow")
          .hasMessageContaining("raise --tolerance")
          .hasMessageNotContaining("amplifies");
    }
  }

  @Test
  void aToleranceThatProvesNothingIsRefused() {
    try (Plan plan = ones()) {
      for (double tolerance : new double[] {-1, 0, 1, 1e30, Double.NaN, Double.POSITIVE_INFINITY}) {
        assertThatThrownBy(() -> Proof.replay(plan, errors(0, 1), tolerance))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("tolerance is " + tolerance);
      }
      assertThat(Proof.replay(plan, errors(0, 1), 1e-9)).isZero();
    }
  }

  /** Step by step, since a graph does not run over a sequence at once. */
  @Test
  void aGraphIsReplayedFromItsInitialState() {
    Graph graph =
        Graph.builder()
            .input("x", 1)
            .state("sum", Matrix.vector("sum", 10), "next")
            .node(new Combine("next", 1, Combine.Kind.ADD), "sum", "x")
            .output("next")
            .build();
    float[][] input = {{1}, {2}, {3}};
    ProofVectors right = proof(input, new float[][] {{11}, {13}, {16}});
    ProofVectors wrong = proof(input, new float[][] {{11}, {13}, {17}});
    try (Plan plan =
        Plan.compile(new Model(graph), PlanOptions.defaults().withBackend("reference"))) {
      assertThat(Proof.replay(plan, right, 1e-5)).isZero();
      assertThatThrownBy(() -> Proof.replay(plan, wrong, 1e-5))
          .isInstanceOf(ProofFailedException.class)
          .hasMessageContaining("step 2, output 0 is 16.0, but 17.0");
    }
  }

  private static ProofVectors proof(float[][] input, float[][] output) {
    ProofVectors.Case first = new ProofVectors.Case("a", Optional.empty(), input, output);
    ProofVectors.Case again = new ProofVectors.Case("b", Optional.empty(), input, output);
    return new ProofVectors(List.of(first, again));
  }
}
