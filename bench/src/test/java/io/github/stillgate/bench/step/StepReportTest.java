package io.github.stillgate.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reports of times made up here. */
class StepReportTest {
  private static final Contender.Work WHOLE = Contender.Work.whole(6000);

  private static Found found(String id, Contender.Work work, long... nanos) {
    return found(id, 16, work, nanos);
  }

  private static Found found(String id, double allocated, Contender.Work work, long... nanos) {
    Histogram times = new Histogram(10_000_000_000L, 3);
    for (long time : nanos) {
      times.recordValue(time);
    }
    return Found.of(id, times, allocated, work);
  }

  private static List<List<Found>> forks() {
    Contender.Work moved = new Contender.Work(1500, 0.25, Double.NaN);
    return List.of(
        List.of(
            found("native/f32", WHOLE, 1000, 1000, 1000, 9000),
            found("native/i8/moved-0.25", moved, 400, 400, 400),
            found("onnxruntime/f32", WHOLE, 2000, 2000, 2000),
            found("onnxruntime/i8", WHOLE, 800, 800, 800)),
        List.of(
            found("native/f32", WHOLE, 1200, 1200, 1200),
            found("native/i8/moved-0.25", moved, 500, 500, 500),
            found("onnxruntime/f32", WHOLE, 1200, 1200, 1200),
            found("onnxruntime/i8", WHOLE, 1000, 1000, 1000)));
  }

  private static StepReport report() {
    List<StepLine> lines =
        new java.util.ArrayList<>(StepLine.of(Host.WHOLE, Cell.LSTM, 64, forks()));
    lines.addAll(StepLine.of(Host.WHOLE, Cell.LSTM, 128, forks()));
    lines.addAll(
        StepLine.of(
            Host.WEAK, Cell.LSTM, 64, List.of(List.of(found("native/f32", WHOLE, 3000, 3000)))));
    return new StepReport(
        "a machine",
        "2026-01-02",
        "./stillgate bench peers",
        2,
        0.5,
        Map.of(Host.WHOLE, "all of it"),
        List.of("BLAS: none"),
        lines,
        Map.of("gru onnxruntime/i8", "it has none"));
  }

  /** Percentiles are of the steps of all JVMs, ratios of medians within each. */
  @Test
  void aLineIsOfAllStepsAndComparesWithinEachJvm() {
    List<StepLine> lines = StepLine.of(Host.WHOLE, Cell.LSTM, 64, forks());
    StepLine dense = lines.getFirst();
    assertThat(dense.steps()).isEqualTo(7);
    assertThat(dense.p50()).isBetween(1195.0, 1205.0);
    assertThat(dense.p999()).isBetween(8990.0, 9010.0);
    assertThat(dense.lowest()).isBetween(999.0, 1001.0);
    assertThat(dense.highest()).isBetween(1199.0, 1201.0);
    assertThat(dense.overPeer()).isBetween(0.749, 0.751);
    assertThat(dense.overInt8Peer()).isBetween(1.22, 1.23);
    assertThat(dense.moved()).isNull();
    assertThat(lines.get(1).moved()).isEqualTo(0.25);
    assertThat(lines.get(1).bytes()).isEqualTo(1500);
  }

  @Test
  void stepsOfOursThatAllocateAreNamed() {
    List<StepLine> lines =
        StepLine.of(
            Host.WHOLE,
            Cell.GRU,
            64,
            List.of(
                List.of(
                    found("vector/f32", 52_224, WHOLE, 1000),
                    found("vector/bf16", 311, WHOLE, 1000),
                    found("onnxruntime/f32", 2000, WHOLE, 1000))));
    String text =
        new StepReport("a machine", "2026-01-02", "", 1, 0.5, Map.of(), List.of(), lines, Map.of())
            .markdown();
    assertThat(text)
        .contains("* gru n = 64, vector/f32: 52,224 bytes a step\n")
        .doesNotContain("vector/bf16: ", "onnxruntime/f32: ");
    assertThat(report().markdown()).doesNotContain("allocate, which none may");
  }

  @Test
  void aRowThatOneJvmLacksIsAnError() {
    List<List<Found>> forks = List.of(forks().get(0), forks().get(1).subList(1, 4));
    assertThatIllegalStateException()
        .isThrownBy(() -> StepLine.of(Host.WHOLE, Cell.LSTM, 64, forks))
        .withMessageContaining("native/f32");
  }

  @Test
  void theTableHasEveryRowAndTheWeakMachineBesideIt() {
    String text = report().markdown();
    assertThat(text)
        .contains("a machine, 2026-01-02. Made by `./stillgate bench peers`", "* whole: all of it")
        .contains(
            "| native/f32 | 1.20 | 1.00 .. 1.20 | 9.01 | 9.01 | 0.75 | 1.23 | 6,000 | 5.0 |  |  | 16"
                + " | 3.00 |  |\n")
        .contains("| 25 % |", "n = 128")
        .contains("* gru onnxruntime/i8: it has none");
    assertThat(text.lines().filter(line -> line.startsWith("| native/f32"))).hasSize(2);
  }

  @Test
  void allIsWritten(@TempDir Path folder) throws Exception {
    report().json(folder.resolve("peers.json"));
    JsonNode lines =
        JsonMapper.builder().build().readTree(folder.resolve("peers.json").toFile()).get("lines");
    assertThat(lines).hasSize(9);
    assertThat(lines.get(0).get("p99_ns").asDouble()).isGreaterThan(8000);
    report().plot("peers-%s.svg"::formatted, folder);
    assertThat(Files.readString(folder.resolve("peers-lstm-native.svg"))).contains("<svg");
    assertThat(folder.resolve("peers-lstm-vector.svg")).doesNotExist();
  }
}
