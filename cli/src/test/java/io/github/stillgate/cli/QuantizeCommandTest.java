package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeCommandTest {
  private static final String CHARACTERS = "abcdefgh";

  @TempDir private Path folder;
  private Path model;
  private Path out;

  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Stillgate.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(args);
    return new Outcome(code, out.toString(), err.toString());
  }

  private static Matrix matrix(String name, int rows, int columns, long seed) {
    Random random = new Random(seed);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.3 * random.nextGaussian());
    }
    return Matrix.of(name, rows, columns, values);
  }

  private static Dense dense(String name, int inputs, int outputs, Activation activation) {
    return new Dense(
        name,
        matrix("W", outputs, inputs, name.hashCode()),
        Matrix.vector("b", new float[outputs]),
        activation);
  }

  @BeforeEach
  void write() throws Exception {
    model = folder.resolve("model.safetensors");
    out = folder.resolve("int8.safetensors");
    new Model(
            List.of(
                dense("wide", 8, 200, Activation.RELU), dense("out", 200, 8, Activation.SOFTMAX)),
            new Vocabulary(CHARACTERS))
        .save(model);
  }

  private String text() throws Exception {
    Path file = folder.resolve("text.txt");
    Files.writeString(file, "abcdefghhgfedcbaabab".repeat(20));
    return file.toString();
  }

  /** Inputs, and outputs that are off by so much from equal shares. */
  private String vectors(float off) throws Exception {
    Path file = folder.resolve("vectors.safetensors");
    Dense wide = (Dense) Model.load(model).layers().getFirst();
    Dense last = (Dense) Model.load(model).layers().getLast();
    float[] tokens = {0, 3, 7, 2};
    float[] outputs = new float[tokens.length * 8];
    for (int t = 0; t < tokens.length; t++) {
      double[] y = new double[8];
      double sum = 0;
      for (int i = 0; i < 8; i++) {
        double a = 0;
        for (int j = 0; j < 200; j++) {
          a += last.w().at(i, j) * Math.max(0.0, wide.w().at(j, (int) tokens[t]));
        }
        y[i] = Math.exp(a);
        sum += y[i];
      }
      for (int i = 0; i < 8; i++) {
        outputs[8 * t + i] = (float) (y[i] / sum) + off;
      }
    }
    new WeightsWriter()
        .tensor("tokens", tokens, tokens.length)
        .tensor("output", outputs, tokens.length, 8)
        .write(file);
    return file.toString();
  }

  private JsonNode json(String... args) throws Exception {
    Outcome outcome = run(args);
    assertThat(outcome.err).isEmpty();
    assertThat(outcome.code).isZero();
    return JsonMapper.builder().build().readTree(outcome.out);
  }

  @Test
  void withoutDataItSaysWhatIsTakenInEachStep() throws Exception {
    Outcome outcome = run("quantize", model.toString(), out.toString());
    assertThat(outcome.code).isZero();
    assertThat(outcome.out)
        .containsPattern("wide +input +1/127, proved")
        .containsPattern("out +input +taken in each step")
        .contains("not verified: nothing was compared");
    assertThat(Files.size(out)).isLessThan(Files.size(model) / 2);
    Model written = Model.load(out);
    assertThat(written.operandScales().isEmpty()).isTrue();
    assertThat(written.layers().getFirst().tensors().get("W").dtype()).isEqualTo(DType.I8);
  }

  /** The largest value is the largest weight of the first layer that relu lets through. */
  @Test
  void dataFixTheScale() throws Exception {
    JsonNode report =
        json(
            "quantize",
            model.toString(),
            out.toString(),
            "--data",
            text(),
            "--text",
            text(),
            "--json");
    float largest = 0;
    for (float w : Model.load(model).layers().getFirst().tensors().get("W").toArray()) {
      largest = Math.max(largest, w);
    }
    assertThat(Model.load(out).operandScales().scale("out", OperandRole.INPUT))
        .hasValue(largest / 127);
    assertThat(report.get("operands").get(1).get("origin").asText()).isEqualTo("calibrated");
    assertThat(report.get("errors").get(1).get("steps").asInt()).isEqualTo(400);
    assertThat(report.get("errors").get(1).get("largest").asDouble()).isBetween(1e-9, 0.1);
    assertThat(report.get("bits_per_char_after").asDouble())
        .isCloseTo(report.get("bits_per_char_before").asDouble(), within(0.1))
        .isNotEqualTo(report.get("bits_per_char_before").asDouble());
    assertThat(report.get("verified").asBoolean()).isFalse();
    JsonNode inspected = json("inspect", out.toString(), "--json");
    assertThat(inspected.get("int8_operands")).isEqualTo(report.get("operands"));
    assertThat(run("inspect", out.toString()).out).containsPattern("out +input +.* from data");
  }

  @Test
  void storedOutputsAreReplayedAndKept() throws Exception {
    String vectors = vectors(0);
    JsonNode report =
        json("quantize", model.toString(), out.toString(), "--verify", vectors, "--json");
    assertThat(report.get("verified").asBoolean()).isTrue();
    assertThat(report.get("largest_error").asDouble()).isBetween(1e-9, 0.05);
    assertThat(report.get("compared_on").asText()).isEqualTo(vectors);
    assertThat(run("inspect", out.toString(), "--verify").code).isZero();
    // The model carries them now.
    Path again = folder.resolve("again.safetensors");
    assertThat(run("quantize", out.toString(), again.toString()).out).contains("verified: largest");
  }

  @Test
  void whatIsNotMetIsNotWritten() throws Exception {
    Outcome outcome = run("quantize", model.toString(), out.toString(), "--verify", vectors(0.2f));
    assertThat(outcome.code).isEqualTo(1);
    assertThat(outcome.err).contains("rounded to int8", "--tolerance");
    assertThat(out).doesNotExist();
    assertThat(
            run(
                    "quantize",
                    model.toString(),
                    out.toString(),
                    "--verify",
                    vectors(0.2f),
                    "--tolerance",
                    "0.4")
                .code)
        .isZero();
  }

  @Test
  void layersAreNamed() throws Exception {
    assertThat(run("quantize", model.toString(), out.toString(), "--layers", "out").code).isZero();
    Model written = Model.load(out);
    assertThat(written.layers().getFirst().tensors().get("W").dtype()).isEqualTo(DType.F32);
    assertThat(written.layers().getLast().tensors().get("W").dtype()).isEqualTo(DType.I8);
    Outcome outcome = run("quantize", model.toString(), out.toString(), "--layers", "out,nobody");
    assertThat(outcome.code).isEqualTo(1);
    assertThat(outcome.err).contains("nobody", "[wide, out]");
  }

  @Test
  void aRunTakesFormatsByLayer() throws Exception {
    assertThat(run("quantize", model.toString(), out.toString()).code).isZero();
    assertThat(run("run", out.toString(), text(), "--weights", "f32,out=i8").code).isZero();
    assertThat(run("run", out.toString(), text(), "--weights", "f32,nobody=i8").err)
        .contains("nobody");
    assertThat(run("run", out.toString(), text(), "--weights", "i9").err).contains("i9");
  }

  @Test
  void whatIsReadIsNotWrittenOver() throws Exception {
    assertThat(run("quantize", model.toString(), model.toString()).err)
        .contains("would write over");
    String text = text();
    assertThat(run("quantize", model.toString(), text, "--data", text).err)
        .contains("would write over");
    assertThat(run("quantize", model.toString(), out.toString(), "--tolerance", "1").code)
        .isEqualTo(2);
    assertThat(run("quantize", model.toString(), out.toString(), "--weights", "i4").code)
        .isEqualTo(2);
  }
}
