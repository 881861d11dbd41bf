package io.github.stillgate.core.weights;

import static io.github.stillgate.core.weights.WeightsFileTest.entry;
import static io.github.stillgate.core.weights.WeightsFileTest.file;
import static io.github.stillgate.core.weights.WeightsFileTest.header;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Model;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import net.jqwik.api.statistics.Statistics;

/** Damaged files are refused with one kind of exception, however they are damaged. */
class WeightsFileFuzzTest {
  private static final String JSON_TOKENS = "{}[]\",:-.0123456789eE\\ atnu";

  private static Path path;
  private static byte[] model;

  private enum Kind {
    OVERWRITE_IN_DATA,
    OVERWRITE_IN_HEADER,
    TOKEN_IN_HEADER,
    DIGIT_IN_HEADER,
    SWAP_IN_HEADER,
    INSERT,
    DELETE,
    TRUNCATE,
    LENGTH_OF_HEADER
  }

  /** One damage, at a place and with a value that are taken modulo what the file allows. */
  record Damage(Kind kind, int place, int value) {
    byte[] applyTo(byte[] file) {
      if (file.length < 10) {
        return file;
      }
      byte[] damaged = file.clone();
      int header = Math.clamp(headerBytes(file), 1, file.length - 8);
      int at = place % file.length;
      int inData = 8 + header + place % Math.max(1, file.length - 8 - header);
      int inHeader = 8 + place % header;
      switch (kind) {
        case OVERWRITE_IN_DATA -> damaged[Math.min(inData, file.length - 1)] = (byte) value;
        case OVERWRITE_IN_HEADER -> damaged[inHeader] = (byte) value;
        case TOKEN_IN_HEADER ->
            damaged[inHeader] = (byte) JSON_TOKENS.charAt(value % JSON_TOKENS.length());
        case DIGIT_IN_HEADER -> {
          for (int i = 0; i < header; i++) {
            int digit = 8 + (inHeader - 8 + i) % header;
            if (Character.isDigit(damaged[digit])) {
              damaged[digit] = (byte) ('0' + value % 10);
              break;
            }
          }
        }
        case SWAP_IN_HEADER -> {
          int other = 8 + value % header;
          damaged[inHeader] = file[other];
          damaged[other] = file[inHeader];
        }
        case INSERT -> {
          damaged = Arrays.copyOf(file, file.length + 1);
          System.arraycopy(file, at, damaged, at + 1, file.length - at);
          damaged[at] = (byte) JSON_TOKENS.charAt(value % JSON_TOKENS.length());
        }
        case DELETE -> {
          damaged = Arrays.copyOf(file, file.length - 1);
          System.arraycopy(file, at + 1, damaged, at, file.length - at - 1);
        }
        case TRUNCATE -> damaged = Arrays.copyOf(file, at);
        case LENGTH_OF_HEADER ->
            ByteBuffer.wrap(damaged)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0, headerBytes(file) + value % 16 - 8);
      }
      return damaged;
    }
  }

  private static long headerBytes(byte[] file) {
    return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  @BeforeContainer
  static void writeTheModel() throws IOException {
    path = Files.createTempFile("stillgate-fuzz", ".safetensors");
    TestModels.conditional(5, 7, 3, 1).save(path);
    model = Files.readAllBytes(path);
  }

  @AfterContainer
  static void deleteTheFile() throws IOException {
    Files.deleteIfExists(path);
  }

  @Provide
  Arbitrary<List<Damage>> damages() {
    return Combinators.combine(
            Arbitraries.frequencyOf(
                Tuple.of(2, Arbitraries.just(Kind.OVERWRITE_IN_DATA)),
                Tuple.of(7, Arbitraries.of(Kind.class))),
            Arbitraries.integers().between(0, 1 << 20),
            Arbitraries.integers().between(0, 1 << 16))
        .as(Damage::new)
        .list()
        .ofMinSize(1)
        .ofMaxSize(3);
  }

  @Property(tries = 2000, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
  void aDamagedFileIsReadOrRefused(@ForAll("damages") List<Damage> damages) throws IOException {
    Files.write(path, damaged(everyType(), damages));
    String outcome;
    try (WeightsFile file = WeightsFile.open(path)) {
      for (Tensor tensor : file.tensors().values()) {
        boolean weights =
            switch (tensor.type()) {
              case F32, F16, BF16 -> true;
              default -> false;
            };
        try {
          assertThat(tensor.toFloats()).hasSize((int) tensor.elements());
          assertThat(weights).as("%s was read as floats", tensor).isTrue();
        } catch (IllegalArgumentException refused) {
          assertThat(weights).as("%s was not read: %s", tensor, refused).isFalse();
        }
      }
      outcome = "read";
    } catch (WeightsFormatException e) {
      assertThat(e).hasMessageStartingWith(path + ": ");
      outcome = "refused";
    }
    requireBoth(outcome);
  }

  @Property(tries = 2000, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
  void aDamagedModelIsLoadedOrRefused(@ForAll("damages") List<Damage> damages) throws IOException {
    Files.write(path, damaged(model, damages));
    String outcome;
    try {
      assertThat(Model.load(path).layers()).isNotEmpty();
      outcome = "read";
    } catch (WeightsFormatException e) {
      assertThat(e).hasMessageStartingWith(path + ": ");
      outcome = "refused";
    }
    requireBoth(outcome);
  }

  /**
   * Without this the properties would still hold if every damage were caught by the first check.
   */
  private static void requireBoth(String outcome) {
    Statistics.label("outcome")
        .collect(outcome)
        .coverage(coverage -> {
          coverage.check("read").percentage(share -> share > 2);
          coverage.check("refused").percentage(share -> share > 30);
        });
  }

  private static byte[] damaged(byte[] file, List<Damage> damages) {
    byte[] damaged = file;
    for (Damage damage : damages) {
      damaged = damage.applyTo(damaged);
    }
    return damaged;
  }

  private static byte[] everyType() {
    String header =
        header(
            "\"__metadata__\":{\"format\":\"pt\",\"note\":\"\u00e9\"}",
            entry("a.W", "F32", "[2,3]", "[0,24]"),
            entry("a.b", "BF16", "[3]", "[24,30]"),
            entry("half", "F16", "[2,1,1]", "[30,34]"),
            entry("count", "I64", "[]", "[34,42]"),
            entry("none", "BOOL", "[0,12]", "[42,42]"),
            entry("mask", "U8", "[7]", "[42,49]"));
    byte[] data =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM".getBytes(StandardCharsets.UTF_8);
    return file(header, data);
  }
}
