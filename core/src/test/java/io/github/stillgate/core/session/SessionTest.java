package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a session refuses, on the reference backend; what it computes is in the backends' contract.
 */
class SessionTest {
  private static final Model TOKENS = TestModels.conditional(11, 40, 4, 9);
  private static final Model VECTORS = TestModels.vectors(6, 20, 3, 9);

  private Plan tokenPlan;
  private Plan vectorPlan;
  private Session byToken;
  private Session byVector;

  @BeforeEach
  void openSessionsThatHaveStepped() {
    PlanOptions options = PlanOptions.defaults().withBackend("reference");
    tokenPlan = Plan.compile(TOKENS, options);
    vectorPlan = Plan.compile(VECTORS, options.withInputBound(100));
    byToken = Session.open(tokenPlan);
    byVector = Session.open(vectorPlan);
    for (int step = 0; step < 20; step++) {
      byToken.step(step % 11, new float[11]);
      byVector.step(vector(6, step % 6, 1.5f), new float[3]);
    }
  }

  @AfterEach
  void closePlans() {
    tokenPlan.close();
    vectorPlan.close();
  }

  static Stream<Arguments> refusedSteps() {
    return Stream.of(
        argumentSet("input too short", step(new float[5], 3), List.of("input", "5", "6")),
        argumentSet("input too long", step(new float[7], 3), List.of("input", "7", "6")),
        argumentSet("empty input", step(new float[0], 3), List.of("input", "0", "6")),
        argumentSet("output too short", step(new float[6], 2), List.of("output", "2", "3")),
        argumentSet("output too long", step(new float[6], 4), List.of("output", "4", "3")),
        argumentSet("NaN", step(vector(6, 0, Float.NaN), 3), List.of("input 0", "NaN", "100.0")),
        argumentSet(
            "NaN in the last value", step(vector(6, 5, Float.NaN), 3), List.of("input 5", "NaN")),
        argumentSet(
            "infinity",
            step(vector(6, 2, Float.POSITIVE_INFINITY), 3),
            List.of("input 2", "Infinity", "100.0")),
        argumentSet(
            "negative infinity",
            step(vector(6, 2, Float.NEGATIVE_INFINITY), 3),
            List.of("input 2", "-Infinity", "100.0")),
        argumentSet(
            "out of bound",
            step(vector(6, 3, Math.nextUp(100f)), 3),
            List.of("input 3", "100.00001", "100.0")),
        argumentSet(
            "out of bound below",
            step(vector(6, 3, -101), 3),
            List.of("input 3", "-101.0", "100.0")));
  }

  private static Consumer<Session> step(float[] input, int outputs) {
    return session -> session.step(input, new float[outputs]);
  }

  @ParameterizedTest
  @MethodSource("refusedSteps")
  void aRefusedVectorLeavesTheState(Consumer<Session> step, List<String> mentions) {
    byte[] before = byVector.snapshot();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> step.accept(byVector))
        .satisfies(e -> assertThat(e.getMessage()).contains(mentions));
    assertThat(byVector.snapshot()).isEqualTo(before);
    assertThat(byVector.stats().steps()).isEqualTo(20);
  }

  @Test
  void aRefusedVectorLeavesNothingForTheNextStep() {
    float[] expected = new float[3];
    float[] out = new float[3];
    float[] refused = {1, 2, 3, 4, 5, Float.NaN};
    try (Session untouched = Session.open(vectorPlan)) {
      untouched.restore(byVector.snapshot());
      assertThatIllegalArgumentException().isThrownBy(() -> byVector.step(refused, out));
      byVector.step(new float[6], out);
      untouched.step(new float[6], expected);
      assertThat(out).isEqualTo(expected);
      assertThat(byVector.snapshot()).isEqualTo(untouched.snapshot());
    }
  }

  /** What was set before counts no more once another value of the input was refused. */
  @Test
  void aRefusedVectorTakesBackWhatWasSet() {
    float[] good = {1, 2, 3, 4, 5, 6};
    float[] refused = {1, 2, 3, 4, 5, Float.NaN};
    List<Consumer<Session>> refusals =
        List.of(
            session -> session.set("input", refused),
            session -> session.set("input", vector(6, 1, 101)),
            session -> session.step(refused, new float[3]));
    for (Consumer<Session> refusal : refusals) {
      byte[] before = byVector.snapshot();
      byVector.set("input", good);
      assertThatIllegalArgumentException().isThrownBy(() -> refusal.accept(byVector));
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(byVector::step)
          .withMessageContaining("the inputs [input] were not set since the last step");
      assertThat(byVector.snapshot()).isEqualTo(before);
    }
  }

  @Test
  void valuesAtTheBoundAreTaken() {
    byte[] before = byVector.snapshot();
    byVector.step(vector(6, 1, -100), new float[3]);
    byVector.step(vector(6, 1, 100), new float[3]);
    assertThat(byVector.snapshot()).isNotEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 11, 12, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void aTokenOutOfRangeLeavesTheState(int token) {
    byte[] before = byToken.snapshot();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> byToken.step(token, new float[11]))
        .withMessageContaining("token " + token)
        .withMessageContaining("11 tokens");
    assertThat(byToken.snapshot()).isEqualTo(before);
  }

  @Test
  void aTokenWithTheWrongOutputLeavesTheState() {
    byte[] before = byToken.snapshot();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> byToken.step(3, new float[10]))
        .withMessageContainingAll("output", "10", "11");
    assertThat(byToken.snapshot()).isEqualTo(before);
  }

  @Test
  void aVectorBeyondOneIsRefusedByAModelThatReadsTokens() {
    byte[] before = byToken.snapshot();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> byToken.step(vector(11, 4, 1.5f), new float[11]))
        .withMessageContainingAll("input 4", "1.5", "1.0");
    assertThat(byToken.snapshot()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 5, 6})
  void aModelWithoutVocabularyReadsNoTokens(int token) {
    byte[] before = byVector.snapshot();
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> byVector.step(token, new float[3]))
        .withMessageContaining("vocabulary");
    assertThat(byVector.snapshot()).isEqualTo(before);
  }

  @Test
  void outputMayBeTheInputArray() {
    Model square = TestModels.vectors(4, 8, 4, 3);
    float[] both = {1, -1, 0.5f, 2};
    float[] out = new float[4];
    try (Plan plan = Plan.compile(square, PlanOptions.defaults().withBackend("reference"));
        Session one = Session.open(plan);
        Session other = Session.open(plan)) {
      one.step(both.clone(), out);
      other.step(both, both);
      assertThat(both).isEqualTo(out);
    }
  }

  private static float[] vector(int length, int at, float value) {
    float[] vector = new float[length];
    vector[at] = value;
    return vector;
  }
}
