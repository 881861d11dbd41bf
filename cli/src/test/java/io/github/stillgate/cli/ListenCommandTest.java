package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.audio.WavEncoding;
import io.github.stillgate.audio.WavFormat;
import io.github.stillgate.audio.WavWriter;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A detector of samples whose mean is large stands for one of speech. */
class ListenCommandTest {
  @TempDir Path folder;

  private Path vad;

  @BeforeEach
  void makeADetector() throws Exception {
    vad = detector(576, 64);
  }

  /** 1 where the mean of the samples behind the first {@code context} is above 0.25, else 0. */
  private Path detector(int width, int context) throws Exception {
    float[] weights = new float[width];
    Arrays.fill(weights, context, width, 100f / (width - context));
    Path file = folder.resolve("vad-%d.safetensors".formatted(width));
    new Model(
            List.of(
                new Dense(
                    "speech",
                    Matrix.of("w", 1, width, weights),
                    Matrix.vector("b", -25),
                    Activation.SIGMOID)))
        .save(file);
    return file;
  }

  /** Sound at 0.5 for the given seconds in turn with silence, which begins. */
  private Path sound(int rate, double... seconds) throws Exception {
    int[] samples = Arrays.stream(seconds).mapToInt(s -> (int) Math.round(s * rate)).toArray();
    Path file = folder.resolve("sound.wav");
    try (OutputStream out = Files.newOutputStream(file)) {
      WavWriter writer =
          new WavWriter(
              out, new WavFormat(rate, 1, WavEncoding.PCM16), Arrays.stream(samples).sum());
      for (int i = 0; i < samples.length; i++) {
        float[] values = new float[samples[i]];
        Arrays.fill(values, i % 2 == 0 ? 0 : 0.5f);
        writer.write(values, 0, values.length);
      }
      writer.finish();
    }
    return file;
  }

  private static double[][] segments(Outcome run) {
    assertThat(run.code()).as(run.err()).isZero();
    return run.out()
        .lines()
        .map(line ->
            Arrays.stream(line.strip().split(" +")).mapToDouble(Double::parseDouble).toArray())
        .toArray(double[][]::new);
  }

  @ParameterizedTest
  @CsvSource({
    "16000, 576, 64",
    "8000, 576, 64",
    "44100, 576, 64",
    "16000, 512, 0",
    "16000, 288, 32",
    "8000, 256, 0"
  })
  void speechIsFoundAtAnyRate(int rate, int width, int context) throws Exception {
    Path model = detector(width, context);
    double[][] found =
        segments(
            Outcome.run(
                "listen",
                "--vad",
                model.toString(),
                sound(rate, 1, 0.6, 0.5, 0.1, 1, 0.7, 0.05).toString()));
    // What is shorter than 250 ms is no speech; a chunk is 32 ms, the padding 30.
    assertThat(found).hasNumberOfRows(2);
    assertThat(found[0][0]).isCloseTo(1 - 0.03, within(0.033));
    assertThat(found[0][1]).isCloseTo(1.6 + 0.03, within(0.033));
    assertThat(found[1][0]).isCloseTo(3.2 - 0.03, within(0.033));
    assertThat(found[1][1]).isCloseTo(3.95, within(0.033));
  }

  @Test
  void optionsSayWhatASegmentIs() throws Exception {
    String wav = sound(16_000, 1, 0.6, 0.2, 0.2, 1, 0.1, 1).toString();
    String model = vad.toString();
    assertThat(segments(Outcome.run("listen", "--vad", model, wav))).hasNumberOfRows(1);
    assertThat(segments(Outcome.run("listen", "--vad", model, wav, "--min-speech", "50ms")))
        .hasNumberOfRows(3);
    double[] bare = segments(Outcome.run("listen", "--vad", model, wav, "--pad", "0ms"))[0];
    double[] padded = segments(Outcome.run("listen", "--vad", model, wav))[0];
    assertThat(bare[0] - padded[0]).isCloseTo(0.03, within(1e-3));
    assertThat(padded[1] - bare[1]).isCloseTo(0.03, within(1e-3));
    double[][] joined =
        segments(
            Outcome.run(
                "listen",
                "--vad",
                model,
                wav,
                "--min-speech",
                "150ms",
                "--min-silence",
                "300ms",
                "--pad",
                "200ms"));
    assertThat(joined).hasNumberOfRows(1);
    assertThat(joined[0][0]).isCloseTo(0.8, within(0.033));
    assertThat(joined[0][1]).isCloseTo(2.2, within(0.033));
    JsonNode line =
        JsonMapper.builder()
            .build()
            .readTree(Outcome.run("listen", "--vad", model, wav, "--json").out());
    assertThat(line.get("start").doubleValue()).isCloseTo(0.97, within(0.033));
    assertThat(line.get("end").doubleValue()).isCloseTo(1.63, within(0.033));
    assertThat(
            Outcome.run(
                "listen", "--vad", model, wav, "--threshold", "0.2", "--lower-threshold", "0.3"))
        .matches(run -> run.code() == 2 && run.err().contains("they are 0.2 and 0.3"));
  }

  @Test
  void otherNetworksAreRefusedByWhatIsMissing() throws Exception {
    String wav = sound(16_000, 0.1).toString();
    Path file = folder.resolve("other.safetensors");
    Dense add =
        new Dense(
            "y", Matrix.of("w", 1, 7, new float[7]), Matrix.vector("b", 0), Activation.SIGMOID);
    new Model(List.of(add)).save(file);
    assertThat(Outcome.run("listen", "--vad", file.toString(), wav).err())
        .contains("other.safetensors is no voice detector: it reads 7 samples a step")
        .contains("./stillgate convert");
    new Model(
            Graph.builder()
                .input("input", 576)
                .input("state", 576)
                .node(new Combine("sum", 576, Combine.Kind.ADD), "input", "state")
                .output("sum")
                .build())
        .save(file);
    assertThat(Outcome.run("listen", "--vad", file.toString(), wav).err())
        .contains("several inputs, [input, state]")
        .contains("--state state=stateN");
    new Model(
            Graph.builder()
                .input("input", 576)
                .node(
                    new Dense(
                        "two",
                        Matrix.of("w", 2, 576, new float[2 * 576]),
                        Matrix.vector("b", 0, 0),
                        Activation.SIGMOID),
                    "input")
                .output("two")
                .build())
        .save(file);
    assertThat(Outcome.run("listen", "--vad", file.toString(), wav).err())
        .contains("it gives [two of 2]; a voice detector gives one value");
    assertThat(
            Outcome.run(
                    "listen",
                    "--vad",
                    Path.of(System.getProperty("stillgate.home"), "models", "text8-256.safetensors")
                        .toString(),
                    wav)
                .err())
        .contains("it reads tokens");
    assertThat(Outcome.run("listen", "--vad", vad.toString(), vad.toString()).err())
        .contains("is no WAV file");
    assertThat(Outcome.run("listen", wav).code()).isEqualTo(2);
  }
}
