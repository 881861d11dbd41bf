package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
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

  /** Layers of 40 and 43 units, each padded to 64. */
  private static final int STATE_FLOATS = 128;

  private static final int VALUES_AT = 20;

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

  @Test
  void aSnapshotHasTheDocumentedLayout() {
    byte[] snapshot = byToken.snapshot();
    float[] state = new float[STATE_FLOATS];
    ByteBuffer.wrap(snapshot, VALUES_AT, 4 * STATE_FLOATS)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(state);
    assertThat(snapshot).isEqualTo(snapshot(1, TOKENS.fingerprint(), STATE_FLOATS, state));
    float[] padding = Arrays.copyOfRange(state, 40, 64);
    assertThat(padding).containsOnly(0f);
    assertThat(Arrays.copyOf(state, 40)).doesNotContain(Float.NaN).isNotEqualTo(new float[40]);
  }

  @Test
  void aSnapshotWithAnyByteChangedIsRefused() {
    byte[] good = byToken.snapshot();
    byToken.step(1, new float[11]);
    byte[] before = byToken.snapshot();
    assertThat(before).isNotEqualTo(good);
    for (int i = 0; i < good.length; i++) {
      for (int mask : new int[] {0xff, 1 << i % 8}) {
        byte[] damaged = good.clone();
        damaged[i] ^= (byte) mask;
        assertThatIllegalArgumentException()
            .as("byte %d xor %x", i, mask)
            .isThrownBy(() -> byToken.restore(damaged));
      }
    }
    assertThat(byToken.snapshot()).isEqualTo(before);
    byToken.restore(good);
    assertThat(byToken.snapshot()).isEqualTo(good);
  }

  @Test
  void aTruncatedOrLongerSnapshotIsRefused() {
    byte[] good = byToken.snapshot();
    for (int length = 0; length <= good.length + 4; length++) {
      if (length != good.length) {
        byte[] cut = Arrays.copyOf(good, length);
        assertThatIllegalArgumentException()
            .as("%d bytes", length)
            .isThrownBy(() -> byToken.restore(cut));
      }
    }
    assertThat(byToken.snapshot()).isEqualTo(good);
  }

  @Test
  void aDamagedSnapshotIsCalledDamaged() {
    byte[] damaged = byToken.snapshot();
    damaged[VALUES_AT] ^= 1;
    assertRefused(damaged, "checksum");
    assertRefused("not a snapshot, but long enough".getBytes(StandardCharsets.UTF_8), "31 bytes");
  }

  @Test
  void aSnapshotOfAnotherModelIsRefusedWithBothFingerprints() {
    Model other = TestModels.conditional(11, 40, 4, 10);
    try (Plan plan = Plan.compile(other, PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      assertRefused(
          session.snapshot(),
          "%016x".formatted(other.fingerprint()),
          "%016x".formatted(TOKENS.fingerprint()));
    }
  }

  @Test
  void aSnapshotOfAnotherVersionIsRefused() {
    assertRefused(
        snapshot(2, TOKENS.fingerprint(), STATE_FLOATS, new float[STATE_FLOATS]), "version 2");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 127, 129, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void aSnapshotWhoseCountDoesNotFitIsRefused(int count) {
    assertRefused(
        snapshot(1, TOKENS.fingerprint(), count, new float[STATE_FLOATS]), "" + count, "128");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 127, 129})
  void aSnapshotWithMoreOrFewerValuesIsRefused(int values) {
    assertRefused(snapshot(1, TOKENS.fingerprint(), values, new float[values]), "" + values, "128");
    assertRefused(snapshot(1, TOKENS.fingerprint(), STATE_FLOATS, new float[values]), "128");
  }

  @ParameterizedTest
  @ValueSource(
      floats = {
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        1.001f,
        -1.001f,
        Float.MAX_VALUE
      })
  void aSnapshotWithAValueNoStateCanHoldIsRefused(float value) {
    float[] state = new float[STATE_FLOATS];
    state[17] = value;
    assertRefused(
        snapshot(1, TOKENS.fingerprint(), STATE_FLOATS, state), "value 17", Float.toString(value));
  }

  private void assertRefused(byte[] snapshot, String... mentions) {
    byte[] before = byToken.snapshot();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> byToken.restore(snapshot))
        .withMessageContainingAll(mentions);
    assertThat(byToken.snapshot()).isEqualTo(before);
  }

  @Test
  void restoringFlushesDenormalsAndKeepsAllElse() {
    float[] state = new float[STATE_FLOATS];
    float[] flushed = {
      Float.MIN_VALUE, -Float.MIN_VALUE, 1e-38f, -1e-31f, Math.nextDown(1e-30f), -0f
    };
    float[] kept = {1e-30f, -1e-30f, 1, -1, 0.3f, -1e-20f};
    System.arraycopy(flushed, 0, state, 0, flushed.length);
    System.arraycopy(kept, 0, state, flushed.length, kept.length);
    byToken.restore(snapshot(1, TOKENS.fingerprint(), STATE_FLOATS, state));
    float[] expected = new float[STATE_FLOATS];
    System.arraycopy(kept, 0, expected, flushed.length, kept.length);
    assertThat(byToken.snapshot())
        .isEqualTo(snapshot(1, TOKENS.fingerprint(), STATE_FLOATS, expected));
  }

  private static byte[] snapshot(int version, long fingerprint, int count, float[] state) {
    ByteBuffer bytes =
        ByteBuffer.allocate(VALUES_AT + 4 * state.length + 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("SGSN".getBytes(StandardCharsets.US_ASCII));
    bytes.putInt(version).putLong(fingerprint).putInt(count);
    for (float value : state) {
      bytes.putFloat(value);
    }
    CRC32C crc = new CRC32C();
    crc.update(bytes.array(), 0, bytes.position());
    return bytes.putInt((int) crc.getValue()).array();
  }

  private static float[] vector(int length, int at, float value) {
    float[] vector = new float[length];
    vector[at] = value;
    return vector;
  }
}
