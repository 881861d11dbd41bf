package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.groups.Tuple.tuple;

import io.github.stillgate.contract.FuzzRun;
import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StatePart;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bytes of a state: what they say, what is refused, and that version 1 is still read. */
class SnapshotTest {
  /** Two conditional layers, of 40 and of 43 units. */
  private static final Model MODEL = TestModels.conditional(11, 40, 4, 9);

  /** The floats of version 1, which padded each layer to 64. */
  private static final int VERSION_1_FLOATS = 128;

  private static final PlanOptions OPTIONS = PlanOptions.defaults().withBackend("reference");

  private Plan plan;
  private Session session;

  @BeforeEach
  void openASessionThatHasStepped() {
    plan = Plan.compile(MODEL, OPTIONS);
    session = Session.open(plan);
    for (int step = 0; step < 20; step++) {
      session.step(step % 11, new float[11]);
    }
  }

  @AfterEach
  void close() {
    plan.close();
  }

  private List<String> names() {
    return NetworkAccess.of(plan).stateParts().stream().map(StatePart::name).toList();
  }

  private float[][] state() {
    return names().stream().map(session::state).toArray(float[][]::new);
  }

  @Test
  void aSnapshotHasTheDocumentedLayout() {
    byte[] expected = version2(MODEL.fingerprint(), names(), "hh", state());
    assertThat(session.snapshot()).isEqualTo(expected);
    assertThat(state()[0]).hasSize(40).isNotEqualTo(new float[40]);
  }

  @Test
  void aSnapshotSaysWhatItIs() {
    Snapshot.Description said = Snapshot.describe(session.snapshot());
    assertThat(said.version()).isEqualTo(2);
    assertThat(said.fingerprint()).isEqualTo(MODEL.fingerprint());
    assertThat(said.values()).isEqualTo(83);
    assertThat(said.parts())
        .containsExactly(
            new Snapshot.Part(names().get(0), 'h', 40), new Snapshot.Part(names().get(1), 'h', 43));
    assertThat(said)
        .hasToString(
            "snapshot version 2 of model %016x: %s (40), %s (43)"
                .formatted(MODEL.fingerprint(), names().get(0), names().get(1)));
  }

  @Test
  void kindsTellHiddenStatesCellsAndCarriedMassesApart() {
    try (Plan lstm = Plan.compile(TestModels.lstm(27, 96, 40, 73), OPTIONS);
        Session one = Session.open(lstm);
        Plan carrying =
            Plan.compile(TestModels.gru(9, 33, 4), OPTIONS.withSkipping(Skipping.below(0.2f)));
        Session other = Session.open(carrying)) {
      assertThat(Snapshot.describe(one.snapshot()).parts())
          .extracting(Snapshot.Part::kind, Snapshot.Part::width)
          .containsExactly(tuple('h', 96), tuple('c', 96), tuple('h', 40), tuple('c', 96));
      assertThat(Snapshot.describe(other.snapshot()).parts())
          .extracting(Snapshot.Part::kind)
          .containsExactly('h', 'm');
    }
  }

  @Test
  void aSnapshotOfVersion1IsStillRead() {
    float[][] state = state();
    byte[] former = version1(MODEL.formerFingerprint(), VERSION_1_FLOATS, padded(state));
    assertThat(Snapshot.describe(former))
        .isEqualTo(
            new Snapshot.Description(1, MODEL.formerFingerprint(), List.of(), VERSION_1_FLOATS));
    byte[] before = session.snapshot();
    session.reset();
    session.restore(former);
    assertThat(session.snapshot()).isEqualTo(before);
  }

  @Test
  void aSnapshotOfVersion1OfAnotherModelIsRefused() {
    assertRefused(
        version1(MODEL.formerFingerprint() + 1, VERSION_1_FLOATS, new float[VERSION_1_FLOATS]),
        "another model",
        "%016x".formatted(MODEL.formerFingerprint() + 1));
  }

  /** Whatever fingerprint it has, and though its values would fit. */
  @Test
  void aSnapshotOfVersion1IsNoneOfAGraph() {
    Graph graph =
        Graph.builder()
            .input("x", 64)
            .state("last", 64, "y")
            .node(new Combine("y", 64, Combine.Kind.ADD), "x", "last")
            .output("y")
            .build();
    try (Plan graphs = Plan.compile(new Model(graph), OPTIONS);
        Session other = Session.open(graphs)) {
      other.state("last", new float[64]);
      byte[] before = other.snapshot();
      for (long fingerprint : new long[] {graphs.model().fingerprint(), 0}) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> other.restore(version1(fingerprint, 64, new float[64])))
            .withMessageContaining("of version 1, which knew no graphs");
      }
      assertThat(other.snapshot()).isEqualTo(before);
    }
  }

  @Test
  void aSnapshotWithAnyByteChangedIsRefused() {
    byte[] good = session.snapshot();
    session.step(1, new float[11]);
    byte[] before = session.snapshot();
    assertThat(before).isNotEqualTo(good);
    for (int i = 0; i < good.length; i++) {
      for (int mask : new int[] {0xff, 1 << i % 8}) {
        byte[] damaged = good.clone();
        damaged[i] ^= (byte) mask;
        assertThatIllegalArgumentException()
            .as("byte %d xor %x", i, mask)
            .isThrownBy(() -> session.restore(damaged));
      }
    }
    assertThat(session.snapshot()).isEqualTo(before);
    session.restore(good);
    assertThat(session.snapshot()).isEqualTo(good);
  }

  @Test
  void aTruncatedOrLongerSnapshotIsRefused() {
    byte[] good = session.snapshot();
    for (int length = 0; length <= good.length + 4; length++) {
      if (length != good.length) {
        byte[] cut = Arrays.copyOf(good, length);
        assertThatIllegalArgumentException()
            .as("%d bytes", length)
            .isThrownBy(() -> session.restore(cut));
      }
    }
    assertThat(session.snapshot()).isEqualTo(good);
  }

  /** What is said within a snapshot whose checksum is right is not believed either. */
  @Test
  void forgedSnapshotsAreRefusedOrHoldAState() {
    byte[] good = session.snapshot();
    FuzzRun fuzz = FuzzRun.begin("snapshots", 20_000);
    float[] output = new float[11];
    while (fuzz.next()) {
      SplittableRandom random = fuzz.random();
      byte[] forged = Arrays.copyOf(good, good.length + random.nextInt(-12, 13));
      for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
        int at = random.nextInt(4, random.nextBoolean() ? 64 : forged.length - 4);
        ByteBuffer.wrap(forged)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(
                Math.min(at, forged.length - 8),
                switch (random.nextInt(4)) {
                  case 0 -> random.nextInt();
                  case 1 -> random.nextInt(-2, 300);
                  case 2 -> Float.floatToRawIntBits(Float.NaN);
                  default -> Integer.MAX_VALUE - random.nextInt(9);
                });
      }
      sign(forged);
      byte[] before = session.snapshot();
      try {
        session.restore(forged);
      } catch (IllegalArgumentException refused) {
        assertThat(session.snapshot()).as("%s", fuzz).isEqualTo(before);
        continue;
      }
      session.step(3, output);
      for (float value : output) {
        assertThat(Float.isFinite(value)).as("%s", fuzz).isTrue();
      }
    }
  }

  @Test
  void aDamagedSnapshotIsCalledDamaged() {
    byte[] damaged = session.snapshot();
    damaged[damaged.length - 10] ^= 1;
    assertRefused(damaged, "checksum");
    assertRefused("not a snapshot, but long enough".getBytes(StandardCharsets.UTF_8), "31 bytes");
  }

  @Test
  void aSnapshotOfAnotherModelIsRefusedWithBothFingerprintsAndWhatItHolds() {
    Model other = TestModels.conditional(11, 41, 4, 10);
    try (Plan otherPlan = Plan.compile(other, OPTIONS);
        Session otherSession = Session.open(otherPlan)) {
      assertRefused(
          otherSession.snapshot(),
          "%016x".formatted(other.fingerprint()),
          "%016x".formatted(MODEL.fingerprint()),
          "(41)",
          "(40)",
          "weights it was taken with");
    }
  }

  @Test
  void aSnapshotOfAnotherSkippingIsRefusedByName() {
    Model gru = TestModels.gru(9, 33, 4);
    try (Plan exact = Plan.compile(gru, OPTIONS);
        Plan carrying = Plan.compile(gru, OPTIONS.withSkipping(Skipping.below(0.2f)));
        Session from = Session.open(exact);
        Session to = Session.open(carrying)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> to.restore(from.snapshot()))
          .withMessageContainingAll("another plan", ".m (33)", "Skipping");
    }
  }

  @Test
  void aPartOfAnotherKindAndNamesThatAreNoNamesAreShown() {
    assertRefused(
        version2(MODEL.fingerprint(), names(), "hc", state()),
        "another plan",
        names().get(1) + " (43, of kind c)");
    byte[] forged =
        version2(MODEL.fingerprint(), List.of("a\u001b[2J", names().get(1)), "hh", state());
    assertThat(Snapshot.describe(forged).toString()).contains("a?[2J (40, of kind h)");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, -1, Integer.MAX_VALUE})
  void aSnapshotOfAnUnknownVersionIsRefused(int version) {
    byte[] snapshot = session.snapshot();
    ByteBuffer.wrap(snapshot).order(ByteOrder.LITTLE_ENDIAN).putInt(4, version);
    assertRefused(sign(snapshot), "version " + version, "1 to 2");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 127, 129, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void aVersion1SnapshotWhoseCountDoesNotFitIsRefused(int count) {
    assertRefused(
        version1(MODEL.formerFingerprint(), count, new float[VERSION_1_FLOATS]), "" + count, "512");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 127, 129})
  void aVersion1SnapshotWithMoreOrFewerValuesIsRefused(int values) {
    assertRefused(
        version1(MODEL.formerFingerprint(), values, new float[values]), values + " values", "128");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1, 3, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void aSnapshotWithAnotherNumberOfPartsIsRefused(int parts) {
    byte[] snapshot = session.snapshot();
    ByteBuffer.wrap(snapshot).order(ByteOrder.LITTLE_ENDIAN).putInt(16, parts);
    assertRefused(sign(snapshot), "snapshot");
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
    float[][] state = state();
    state[1][17] = value;
    assertRefused(
        version2(MODEL.fingerprint(), names(), "hh", state),
        "value 17 of " + names().get(1),
        Float.toString(value));
    assertRefused(
        version1(MODEL.formerFingerprint(), VERSION_1_FLOATS, padded(state)),
        "value 17 of " + names().get(1),
        Float.toString(value));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void restoringFlushesDenormalsAndKeepsAllElse(int version) {
    float[][] state = new float[][] {new float[40], new float[43]};
    float[] flushed = {
      Float.MIN_VALUE, -Float.MIN_VALUE, 1e-38f, -1e-31f, Math.nextDown(1e-30f), -0f
    };
    float[] kept = {1e-30f, -1e-30f, 1, -1, 0.3f, -1e-20f};
    System.arraycopy(flushed, 0, state[0], 0, flushed.length);
    System.arraycopy(kept, 0, state[0], flushed.length, kept.length);
    session.restore(
        version == 1
            ? version1(MODEL.formerFingerprint(), VERSION_1_FLOATS, padded(state))
            : version2(MODEL.fingerprint(), names(), "hh", state));
    Arrays.fill(state[0], 0, flushed.length, 0f);
    assertThat(session.snapshot()).isEqualTo(version2(MODEL.fingerprint(), names(), "hh", state));
  }

  private void assertRefused(byte[] snapshot, String... mentions) {
    byte[] before = session.snapshot();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> session.restore(snapshot))
        .withMessageContainingAll(mentions);
    assertThat(session.snapshot()).isEqualTo(before);
  }

  private static float[] padded(float[][] state) {
    float[] padded = new float[VERSION_1_FLOATS];
    System.arraycopy(state[0], 0, padded, 0, 40);
    System.arraycopy(state[1], 0, padded, 64, 43);
    return padded;
  }

  private static byte[] version1(long fingerprint, int count, float[] state) {
    ByteBuffer bytes =
        ByteBuffer.allocate(20 + 4 * state.length + 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("SGSN".getBytes(StandardCharsets.US_ASCII));
    bytes.putInt(1).putLong(fingerprint).putInt(count);
    for (float value : state) {
      bytes.putFloat(value);
    }
    return sign(bytes.array());
  }

  private static byte[] version2(
      long fingerprint, List<String> names, String kinds, float[][] state) {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("SGSN".getBytes(StandardCharsets.US_ASCII));
    bytes.putInt(2).putLong(fingerprint).putInt(names.size());
    for (int i = 0; i < names.size(); i++) {
      byte[] name = names.get(i).getBytes(StandardCharsets.UTF_8);
      bytes.put((byte) kinds.charAt(i)).putInt(name.length).put(name).putInt(state[i].length);
    }
    for (float[] part : state) {
      for (float value : part) {
        bytes.putFloat(value);
      }
    }
    return sign(Arrays.copyOf(bytes.array(), bytes.position() + 4));
  }

  /** Puts the right checksum at the end. */
  private static byte[] sign(byte[] snapshot) {
    CRC32C crc = new CRC32C();
    crc.update(snapshot, 0, snapshot.length - 4);
    ByteBuffer.wrap(snapshot)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(snapshot.length - 4, (int) crc.getValue());
    return snapshot;
  }
}
