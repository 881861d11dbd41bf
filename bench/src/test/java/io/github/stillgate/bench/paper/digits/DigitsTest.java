package io.github.stillgate.bench.paper.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.FailureLine;
import io.github.stillgate.bench.paper.digits.Score.Spotting;
import io.github.stillgate.bench.paper.digits.SpeedFork.Found;
import io.github.stillgate.bench.paper.digits.SpeedFork.Times;
import io.github.stillgate.bench.paper.digits.TestStream.Word;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DigitsTest {
  private static final int MELS = 4;
  private static final int UNITS = 8;
  private static final int FRAMES = 600;
  private static final Decoder.Settings SETTINGS = new Decoder.Settings(2, 0.05, 10);

  @TempDir Path folder;

  @Test
  void meansThresholdsAndRests() {
    float[][] p = new float[12][Decoder.CLASSES];
    for (int t = 2; t < 5; t++) {
      p[t][4] = 0.9f;
    }
    p[5][8] = 0.8f;
    for (int t = 9; t < 12; t++) {
      p[t][8] = 0.9f;
    }
    // As in test_digits.py.
    assertThat(spot(p, new Decoder.Settings(2, 0.8, 3)))
        .containsExactly(new Spotting(3, 3), new Spotting(10, 7));
    assertThat(spot(p, new Decoder.Settings(2, 0.449, 3)))
        .containsExactly(new Spotting(2, 3), new Spotting(5, 3), new Spotting(9, 7));
  }

  private static List<Spotting> spot(float[][] probabilities, Decoder.Settings settings) {
    Decoder decoder = new Decoder(settings);
    List<Spotting> found = new ArrayList<>();
    for (int t = 0; t < probabilities.length; t++) {
      int digit = decoder.next(probabilities[t]);
      if (digit != Decoder.NONE) {
        found.add(new Spotting(t, digit));
      }
    }
    return found;
  }

  @Test
  void aWordTakesOneSpottingOfItsDigit() {
    List<Word> words =
        List.of(new Word(3, 10, 20), new Word(3, 24, 30), new Word(5, 40, 50), new Word(5, 60, 70));
    List<Spotting> spotted =
        List.of(
            new Spotting(9, 3),
            new Spotting(18, 3),
            new Spotting(19, 3),
            new Spotting(26, 2),
            new Spotting(28, 3),
            new Spotting(52, 5),
            new Spotting(56, 5));
    boolean[] hits = Score.hits(words, spotted, 3);
    assertThat(hits).containsExactly(true, true, true, false);
    assertThat(
            Score.hits(
                List.of(new Word(3, 10, 20), new Word(3, 21, 30)), List.of(new Spotting(22, 3)), 5))
        .containsExactly(true, false);
    Score score = Score.of(hits, spotted.size(), 6000);
    assertThat(score).isEqualTo(new Score(4, 3, 4, 6000));
    assertThat(score.accuracy()).isEqualTo(0.75);
    assertThat(score.plus(score).falseAlarmsAMinute()).isEqualTo(4);
  }

  /** Two folds of one network, and a training that has not ended. */
  private void writeRuns(double accuracyOff) throws IOException {
    for (int fold = 0; fold < 2; fold++) {
      Path at = Files.createDirectories(folder.resolve("runs/fold-" + fold));
      SplittableRandom random = new SplittableRandom(7 + fold);
      float[] frames = values(FRAMES * MELS, 1, random);
      float[] speech = new float[FRAMES];
      List<String> words = new ArrayList<>();
      for (int first = 20; first < FRAMES; first += 50) {
        Arrays.fill(speech, first, first + 15, 1);
        words.add(
            "{\"digit\": %d, \"first\": %d, \"last\": %d}"
                .formatted(first / 50 % 10, first, first + 15));
      }
      // Silence: the frame does not change.
      for (int t = 1; t < FRAMES; t++) {
        if (speech[t] == 0) {
          System.arraycopy(frames, (t - 1) * MELS, frames, t * MELS, MELS);
        }
      }
      new WeightsWriter()
          .tensor("frames", frames, FRAMES, MELS)
          .tensor("speech", speech, FRAMES)
          .write(at.resolve("test.safetensors"));
      Files.writeString(
          at.resolve("test.json"),
          "{\"frames\": %d, \"tolerance_frames\": 30, \"words\": [%s]}"
              .formatted(FRAMES, String.join(", ", words)));
      writeTraining(at.resolve("2x8"), random, "null");
      double accuracy = accuracy(at.resolve("2x8")) + accuracyOff;
      writeRecord(
          at.resolve("2x8"),
          """
          {"decoder": {"window": %d, "threshold": %s, "refractory": %d, "tolerance": 30},
           "parameters": 900, "test": {"accuracy": %s}}
          """
              .formatted(SETTINGS.window(), SETTINGS.threshold(), SETTINGS.refractory(), accuracy));
    }
    writeTraining(folder.resolve("runs/fold-1/2x9"), new SplittableRandom(1), "null");
  }

  private static void writeTraining(Path at, SplittableRandom random, String result)
      throws IOException {
    Files.createDirectories(at);
    WeightsWriter writer = new WeightsWriter();
    for (int layer = 0; layer < 2; layer++) {
      int inputs = layer == 0 ? MELS : UNITS;
      writer.tensor(
          "gru.weight_ih_l" + layer, values(3 * UNITS * inputs, 1, random), 3 * UNITS, inputs);
      writer.tensor(
          "gru.weight_hh_l" + layer, values(3 * UNITS * UNITS, 1, random), 3 * UNITS, UNITS);
      writer.tensor("gru.bias_ih_l" + layer, values(3 * UNITS, 1, random), 3 * UNITS);
      writer.tensor("gru.bias_hh_l" + layer, values(3 * UNITS, 1, random), 3 * UNITS);
    }
    writer.tensor("out.weight", values(11 * UNITS, 4, random), 11, UNITS);
    writer.tensor("out.bias", values(11, 1, random), 11);
    writer.write(at.resolve("network.safetensors"));
    writeRecord(at, result);
  }

  private static void writeRecord(Path at, String result) throws IOException {
    Files.writeString(
        at.resolve("record.json"),
        "{\"settings\": {\"units\": 8, \"epochs\": 3}, \"curve\": [{\"epoch\": 1}], \"machine\": \"a machine\", \"result\": %s}"
            .formatted(result));
  }

  private static float[] values(int count, double scale, SplittableRandom random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextDouble(-scale, scale);
    }
    return values;
  }

  /** The accuracy of a network by PyTorch's formulas in float64, without the library. */
  private static double accuracy(Path training) throws IOException {
    TestStream stream = Trained.stream(training);
    float[][] p = PlainGru.read(training.resolve("network.safetensors")).run(stream.frames());
    List<Spotting> spotted = spot(p, SETTINGS);
    boolean[] hits = Score.hits(stream.words(), spotted, stream.tolerance());
    return Score.of(hits, spotted.size(), FRAMES).accuracy();
  }

  private int command(StringWriter said, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--runs",
                folder.resolve("runs").toString(),
                "--results",
                folder.resolve("results").toString()));
    arguments.addAll(List.of(more));
    return new CommandLine(new ReproduceDigits())
        .setOut(new PrintWriter(said, true))
        .setErr(new PrintWriter(said, true))
        .setExecutionExceptionHandler(new FailureLine())
        .execute(arguments.toArray(String[]::new));
  }

  @Test
  void theReportHasEveryVariantAndWhatMoves() throws IOException {
    writeRuns(0);
    StringWriter said = new StringWriter();
    assertThat(command(said, "--forks", "0")).as(said.toString()).isZero();
    JsonNode json =
        JsonMapper.builder().build().readTree(folder.resolve("results/digits.json").toFile());
    assertThat(json.path("unfinished").path(0).asText()).isEqualTo("fold-1/2x9 (epoch 1 of 3)");
    List<String> names = new ArrayList<>();
    for (JsonNode row : json.path("rows")) {
      names.add(
          row.path("variant").asText() + (row.path("onnxruntime").asBoolean() ? " peer" : ""));
      assertThat(row.path("score").path("words").asInt()).isEqualTo(24);
      assertThat(row.path("folds").asInt()).isEqualTo(2);
    }
    assertThat(names)
        .startsWith("float32", "int8 whole", "int8 theta 0")
        .allMatch(name -> name.startsWith("int8") || name.startsWith("float32"));
    JsonNode float32 = json.path("rows").path(0);
    assertThat(float32.path("largest_gap_to_trainer").asDouble()).isZero();
    assertThat(float32.path("words_lost").asInt()).isZero();
    JsonNode whole = json.path("rows").path(1);
    assertThat(whole.path("silence").path("bytes_a_frame").asDouble())
        .isEqualTo(whole.path("speech").path("bytes_a_frame").asDouble());
    JsonNode moved = json.path("rows").path(2);
    assertThat(float32.path("silence").path("bytes_a_frame").asDouble())
        .isEqualTo(float32.path("speech").path("bytes_a_frame").asDouble());
    assertThat(moved.path("silence").path("bytes_a_frame").asDouble())
        .isLessThan(moved.path("speech").path("bytes_a_frame").asDouble());
    assertThat(moved.path("silence").path("moved_recurrent").asDouble())
        .isBetween(0.0, moved.path("speech").path("moved_recurrent").asDouble());
    assertThat(Files.readString(folder.resolve("results/digits.md")))
        .contains("| 2x8 | 900 | int8 theta 0 | 2 | 24 |", "Nothing was timed.", "2x9 (epoch 1");
  }

  @Test
  void anotherAccuracyThanTheTrainersIsAFailure() throws IOException {
    writeRuns(0.04);
    StringWriter said = new StringWriter();
    assertThat(command(said, "--forks", "0")).isOne();
    assertThat(said.toString()).contains("missed: 2x8: 4.00 points");
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    StringWriter said = new StringWriter();
    assertThat(command(said)).isOne();
    assertThat(said.toString())
        .contains("no finished training under", "train first: python3 training/pytorch/digits.py");
    writeRuns(0);
    Files.delete(folder.resolve("runs/fold-0/test.json"));
    said = new StringWriter();
    assertThat(command(said)).isOne();
    assertThat(said.toString()).contains("fold-0 has no test stream");
    assertThatThrownBy(
            () -> {
              writeRuns(0);
              Files.writeString(
                  folder.resolve("runs/fold-0/test.json"),
                  "{\"frames\": 600, \"words\": [{\"digit\": 1, \"first\": 9, \"last\": 9}]}");
              TestStream.read(folder.resolve("runs/fold-0"));
            })
        .isInstanceOf(IOException.class)
        .hasMessageContaining("test.json: word 0 is");
    said = new StringWriter();
    assertThat(command(said, "--seconds", "0")).isEqualTo(2);
    assertThat(said.toString()).contains("a time above 0");
  }

  @Test
  void everySpotterIsTimedInSpeechAndInSilence() throws IOException {
    writeRuns(0);
    Path training = folder.resolve("runs/fold-0/2x8");
    List<Found> found =
        SpeedFork.run(Spotter.all(Trained.model(training)), Trained.stream(training), 0.01);
    assertThat(found.stream().map(Found::variant)).contains("float32", "int8 theta 0");
    for (Found one : found) {
      for (Times times : List.of(one.speech(), one.silence())) {
        assertThat(times.frames()).isPositive();
        assertThat(times.p50()).isPositive().isLessThanOrEqualTo(times.p99());
      }
    }
  }

  @Test
  void factorsAreTakenWithinAJvmAndADayIsWeighed() {
    List<List<Found>> reports = new ArrayList<>();
    for (int peer : new int[] {3000, 9000, 4000}) {
      reports.add(
          List.of(
              new Found("float32", "native", times(2000), times(1000)),
              new Found("float32", Spotter.PEER, times(peer), times(peer))));
    }
    List<Speed> speeds = Speed.of("2x8", reports);
    Speed own = speeds.getFirst();
    assertThat(own.overSpeech()).isEqualTo(new Speed.Factor(2, 1.5, 4.5));
    assertThat(own.overSilence()).isEqualTo(new Speed.Factor(4, 3, 9));
    assertThat(own.microseconds(0.2)).isCloseTo(1.2, within(1e-12));
    Traffic speech = new Traffic(1, 2000, new double[] {0.5, 0.7, 0.1});
    Traffic silence = new Traffic(3, 3000, new double[] {0.3, 0.9, 0.1});
    assertThat(silence.movedRecurrent()).isCloseTo(0.2, within(1e-12));
    Row row =
        new Row(
            "2x8", 9, 1, "float32", false, new Score(4, 3, 1, 4), 0, 0, 0.75, 0, speech, silence);
    List<Day> days = Day.of(List.of(row), speeds);
    assertThat(days).extracting(Day::share).containsExactly(0.05, 0.2, 0.6);
    Day day = days.get(1);
    assertThat(day.seconds()).isCloseTo(8.64e6 * 1.2e-6, within(1e-9));
    assertThat(day.gigabytes()).isCloseTo(8.64e6 * 1200 / 1e9, within(1e-9));
    assertThat(day.factor()).isCloseTo(4 / 1.2, within(1e-9));
    assertThat(day.runsIn()).isEqualTo("native");
  }

  @Test
  void onlyWordsThatOneSpotsAloneAddToTheErrorOfADifference() {
    Traffic traffic = new Traffic(1, 1, new double[] {1});
    Score score = new Score(200, 150, 0, 1);
    Row row = new Row("2x8", 9, 1, "int8", false, score, 10, 6, 0.75, 0, traffic, traffic);
    assertThat(row.error()).isCloseTo(0.02, within(1e-12));
  }

  @Test
  void thresholdsGoToLayersInOrder() throws IOException {
    writeRuns(0);
    Trained trained = DigitRuns.read(folder.resolve("runs")).of("2x8").getFirst();
    Model model = trained.model();
    Variant two =
        Variant.all().stream()
            .filter(variant -> variant.thresholds().equals(List.of(12, 16, 0)))
            .findFirst()
            .orElseThrow();
    assertThat(two.name()).isEqualTo("int8 theta 12, 16, 0");
    assertThat(Variant.all().get(3).options(model).toString())
        .contains("of gru.l0 above 2, of gru.l1 above 2, of out above 2");
    assertThat(two.options(model).toString())
        .contains("of gru.l0 above 12, of gru.l1 above 16, of out above 0");
  }

  private static Times times(double nanos) {
    return new Times(nanos, nanos, nanos, 100);
  }
}
