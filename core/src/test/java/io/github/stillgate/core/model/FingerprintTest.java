package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.stillgate.core.model.format.ActivationFormat;
import io.github.stillgate.core.model.format.Fingerprint;
import io.github.stillgate.core.weights.DType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Fingerprints are what stored snapshots hang on, so they are written down here. A value that
 * changes makes every snapshot of such a network worthless: mend the code, not the value.
 */
class FingerprintTest {
  private static final Path MODELS = Path.of("../models");

  /** What the shipped networks and one of each kind gave before names were taken out. */
  private static final String FORMER =
      """
      conditional_gru full=33a6401ceddfa9fb
      conditional_gru unit=38b4aad31a0df23d
      conditional_gru block=69e4f0b2dbe33739
      conditional_gru hybrid=f9387c2000d3bb79
      gru=bce6b85d5d9131d4
      gru reset_bias=002e5fd99ec0028d
      gru before=bad6372c480a0d31
      gru activations=e07b62d9fd43ed99
      gru before activations=e5c199b05df2fab5
      gru estimate=bce6b85d5d9131d4
      lstm=4e30f8a529d7ab22
      lstm coupled_gates=b6e5f4babbb8573c
      lstm peepholes=6331c0332bb2dd24
      lstm projection=bbf326f75c2cf429
      lstm all=c4dfa0d0cc384fac
      lstm activations=e1e3bdfafccaa059
      simple_rnn=02d0900a782a1566
      simple_rnn clip relu=322e01a9eb7b0e2d
      embedding=4929ed6b444d49ef
      dense linear=77b2417b257e4c4f
      dense relu=4766dcde02dd0e41
      dense sigmoid=ee44d9c84fb9f061
      dense softmax=4956fd7e29d1c907
      dense softsign=d2deb96f5140c150
      dense tanh=9ff9dee2b7d01dad
      dense affine=d8b78620117ba4ef
      dense clamp=d6d65c2fc0af403e
      dense leak=53f7384d50a097d9
      dense threshold=f793c6c99466072c
      dense elu=d3645138ba109829
      backward=6129acd6876710bf
      bidirectional=4e4d5f219a8e6c33
      three layers=ff584bbad9304a27
      """;

  private static final String NOW =
      """
      conditional_gru full=3ea51d7ebc4c5222
      conditional_gru unit=76bd1fb096cd860c
      conditional_gru block=8ccc830ca583e0dd
      conditional_gru hybrid=7c8e881f180fec37
      conditional_gru unit bottleneck=5cfb123e59cc951b
      conditional_gru full activations=fe7f0e4963b18517
      conditional_gru unit activations=27f489abac5a6c7e
      conditional_gru block activations=819f3e4489b4d407
      gru=c20cac62e56c84d8
      gru reset_bias=54b5eff7fd5306f9
      gru before=65070672e1cfba6a
      gru activations=9a9af9bceaaa1080
      gru before activations=1a4a2a62a20e9eaf
      gru estimate=c20cac62e56c84d8
      lstm=979a1eff33901f78
      lstm coupled_gates=673f341f1f1a44c5
      lstm peepholes=d1d95570b4360531
      lstm projection=82bbf5a70ba4d931
      lstm all=ff704b32945de44e
      lstm activations=77365004b175cf48
      sru=3c3d771f3dc05a32
      sru scale=b477d020ebcd7b4c
      sru tanh=11ef7dd7584755b8
      sru matrix=151d24b01dee57fe
      sru none=c471442f9c399e52
      sru no reset_gate=f0f7014ff017a409
      sru not recurrent=770b9a46dc2c0b22
      simple_rnn=c432ad741aa3be68
      simple_rnn clip relu=d4659aa56fb0c604
      embedding=1bddb4f191499c5f
      dense linear=478d729d2d42c1e9
      dense relu=58352be5ae12bab7
      dense sigmoid=cd2e04abc2da9881
      dense softmax=007403ca3695028e
      dense softsign=22769048d8234c3b
      dense tanh=1d39d8eef4070bdb
      dense affine=81ce36cfbde9a48b
      dense clamp=12139906353b80a7
      dense leak=c026e95952dae27e
      dense threshold=dc9d66a9880135d5
      dense elu=54374edbd22705c1
      conditional_dense=4d7733843a8fd9ac
      backward=11a28d18686f9128
      bidirectional=561fca0a55668694
      index_map=737836abc4882dd8
      elementwise=8d8bc3e48c9fdb0a
      graph combine add=7b58617728fba63d
      graph combine subtract=68a7f549da04a8fe
      graph combine multiply=bae6fe01d77b9de4
      graph combine divide=257d6aa8bda67d34
      graph combine minimum=f57247f7950ff2b3
      graph combine maximum=7732406755faf1ff
      graph combine power=14a763368c8c9202
      graph combine leak=84978279322c562e
      graph=0c13e5c086f2c4d1
      graph initial=195f2b01b5ed9974
      graph next=0ad62e02d21b153f
      graph output=f0eba82acd9e2f23
      along=bb7f8f2bef44d673
      per_position=4da557fd088a353f
      weighted_sum=c2b52eb026bd04a7
      positions=aeaf619c539bfffe
      reduction sum=e049e52098080ed4
      reduction mean=e4e8f65291fbd901
      reduction maximum=6234452c57cb3767
      reduction minimum=8433e0a07b21420a
      softmax=d0fc0c54bf9371d7
      normalise=44ad6df51eb44383
      graph matrix_product=c6549d368a54b33e
      three layers=a7ae422843a717a1
      """;

  /** Kinds that came with graphs. */
  private static final List<String> NEWER =
      List.of(
          "along",
          "per_position",
          "index_map",
          "elementwise",
          "weighted_sum",
          "positions",
          "reduction",
          "softmax",
          "normalise");

  @TempDir private Path directory;

  private static Map<String, String> values(String lines) {
    Map<String, String> values = new LinkedHashMap<>();
    lines
        .lines()
        .forEach(line ->
            values.put(
                line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
    return values;
  }

  /** Of what has come since the former fingerprints and bytes were written down. */
  private static boolean isNewer(String kind) {
    return kind.startsWith("sru")
        || kind.startsWith("graph")
        || NEWER.stream().anyMatch(kind::startsWith)
        || kind.equals("conditional_dense")
        || kind.startsWith("conditional_gru")
            && (kind.endsWith("activations") || kind.endsWith("bottleneck"));
  }

  private static String hex(long bits) {
    return "%016x".formatted(bits);
  }

  @Test
  void eachKindHasTheFingerprintThatWasWrittenDown() {
    Map<String, String> now = new LinkedHashMap<>();
    PinnedModels.all().forEach((kind, model) -> now.put(kind, hex(model.fingerprint())));
    assertThat(now).isEqualTo(values(NOW));
  }

  /** Of all that are older than the fingerprint that is used now; no snapshot has others. */
  @Test
  void eachKindHasTheFormerFingerprintThatWasWrittenDown() {
    Map<String, String> former = new LinkedHashMap<>();
    PinnedModels.all().forEach((kind, model) -> former.put(kind, hex(model.formerFingerprint())));
    former.keySet().removeIf(FingerprintTest::isNewer);
    assertThat(former).isEqualTo(values(FORMER));
  }

  @ParameterizedTest
  @CsvSource({
    "text8-256, c4aa0a7957e97853, 5813f39ce4d70f39",
    "text8-1024, 05e126f19471a9ef, 760136efd3a3978b"
  })
  void theShippedNetworksHaveWhatWasWrittenDown(String name, String former, String now)
      throws IOException {
    Path path = MODELS.resolve(name + ".safetensors");
    assumeThat(path).as("the networks that ship").exists();
    Model model = Model.load(path);
    assertThat(hex(model.formerFingerprint())).isEqualTo(former);
    assertThat(hex(model.fingerprint())).isEqualTo(now);
  }

  @Test
  void aSnapshotOfVersion1CarriesTheFormerFingerprint() throws IOException {
    ByteBuffer snapshot = ByteBuffer.wrap(snapshotOfVersion1()).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(snapshot.getInt(4)).isEqualTo(1);
    assertThat(hex(snapshot.getLong(8))).isEqualTo("c4aa0a7957e97853");
  }

  /**
   * A snapshot of {@code models/text8-256.safetensors} that the version before this change made,
   * after the 70 characters "the quick brown fox jumps over the lazy dog and then it rests a while
   * " from state zero.
   */
  static byte[] snapshotOfVersion1() throws IOException {
    try (InputStream in =
        FingerprintTest.class.getResourceAsStream("/snapshots/text8-256.version-1.base64")) {
      return Base64.getMimeDecoder().decode(in.readAllBytes());
    }
  }

  @Test
  void everyKindAndFormTellsItselfFromTheOthers() {
    Set<Long> fingerprints = new HashSet<>();
    PinnedModels.all()
        .forEach((kind, model) -> {
          if (!kind.equals("gru estimate")) {
            assertThat(fingerprints.add(model.fingerprint())).as(kind).isTrue();
          }
        });
  }

  /** A snapshot of version 1 is of the paper's functions, and fits no other. */
  @Test
  void noFormerFingerprintIsOfOtherFunctions() {
    Map<String, Model> models = PinnedModels.all();
    assertThat(models.get("conditional_gru unit activations").formerFingerprint())
        .isNotEqualTo(models.get("conditional_gru unit").formerFingerprint());
    assertThat(models.get("conditional_gru unit bottleneck").formerFingerprint())
        .isNotEqualTo(models.get("conditional_gru unit").formerFingerprint());
  }

  @Test
  void anEstimateIsNoPartOfTheNetwork() {
    Map<String, Model> models = PinnedModels.all();
    assertThat(models.get("gru estimate").fingerprint()).isEqualTo(models.get("gru").fingerprint());
  }

  /** All of the words that a fingerprint is made of are words of the format's description. */
  @Test
  void everyFunctionHasAWordOfTheFormat() throws IOException {
    Path format = Path.of("../docs/format.md");
    assumeThat(format).as("the description of the format").exists();
    String text = Files.readString(format);
    for (Activation.Function function : Activation.Function.values()) {
      assertThat(text).contains("\"" + ActivationFormat.name(function) + "\"");
    }
  }

  @Test
  void savingAndLoadingKeepsBothFingerprints() throws IOException {
    Path path = directory.resolve("model.safetensors");
    for (Map.Entry<String, Model> entry : PinnedModels.all().entrySet()) {
      entry.getValue().save(path);
      Model loaded = Model.load(path);
      assertThat(loaded.fingerprint()).as(entry.getKey()).isEqualTo(entry.getValue().fingerprint());
      assertThat(loaded.formerFingerprint()).isEqualTo(entry.getValue().formerFingerprint());
    }
  }

  /**
   * What the files of all kinds of then, in their order, hashed to before each had a format class.
   */
  @ParameterizedTest
  @CsvSource({
    "F32, f11391d5e0addd07bf565a9879dc095d4295ad768e4949936014d699bd5fa3d4",
    "BF16, 836509c5e5dd4e282a8256682153ec73f3453d38e7ddae804d917d31cbe365e4"
  })
  void filesHaveTheBytesThatWereWrittenDown(DType type, String sha256)
      throws IOException, NoSuchAlgorithmException {
    Path path = directory.resolve("model.safetensors");
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    Map<String, Model> before = PinnedModels.all();
    before.keySet().removeIf(FingerprintTest::isNewer);
    for (Model model : before.values()) {
      model.save(path, type);
      digest.update(Files.readAllBytes(path));
    }
    assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(sha256);
  }

  /** A matrix is read in pieces: a copy of it would be gigabytes for a network of gigabytes. */
  @Test
  void hashingCopiesNoMatrix() {
    int n = 1 << 20;
    Model model =
        new Model(
            List.of(
                new Dense(
                    "a",
                    Matrix.of("W", n, 1, new float[n]),
                    Matrix.vector("b", new float[n]),
                    Activation.LINEAR)));
    model.formerFingerprint();
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    model.formerFingerprint();
    Fingerprint.of(model.layers());
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1 << 20);
  }
}
