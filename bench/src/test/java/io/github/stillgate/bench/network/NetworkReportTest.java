package io.github.stillgate.bench.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.step.Contender;
import io.github.stillgate.bench.step.Found;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Positions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reports of times made up here. */
class NetworkReportTest {
  private static Found found(String id, long... nanos) {
    Histogram times = new Histogram(10_000_000_000L, 3);
    for (long time : nanos) {
      times.recordValue(time);
    }
    return Found.of(id, times, 0, Contender.Work.whole(64));
  }

  private static NetworkReport report() {
    List<List<Found>> forks =
        List.of(
            List.of(found("native/f32", 100, 100, 900), found("onnxruntime/f32", 400, 400, 600)),
            List.of(found("native/f32", 300, 300, 300), found("onnxruntime/f32", 600, 600, 600)));
    return new NetworkReport(
        "a machine",
        "2026-01-02",
        "./stillgate bench networks",
        2,
        0.5,
        Map.of("gate", new LeastWork(1234, 5678)),
        NetworkLine.of("gate", forks),
        Map.of(
            "gate",
            List.of(new LayerTimes("native", List.of(new LayerTimes.Share("rnn", "Gru", 90))))),
        Map.of("silent", "it has a Mystery node"));
  }

  /** Percentiles are of the steps of all JVMs, ratios of percentiles within each. */
  @Test
  void aLineIsOfAllStepsAndComparesWithinEachJvm() {
    NetworkLine line = report().lines().getFirst();
    assertThat(line.steps()).isEqualTo(6);
    assertThat(line.p50()).isCloseTo(300, within(1.0));
    assertThat(line.p99()).isCloseTo(900, within(1.0));
    assertThat(line.lowest()).isCloseTo(100, within(1.0));
    assertThat(line.highest()).isCloseTo(300, within(1.0));
    assertThat(line.p50OverPeer()).isCloseTo((0.25 + 0.5) / 2, within(0.002));
    assertThat(line.p99OverPeer()).isCloseTo((1.5 + 0.5) / 2, within(0.002));
    assertThat(
            NetworkLine.of("gate", List.of(List.of(found("native/f32", 100))))
                .getFirst()
                .p50OverPeer())
        .isNull();
  }

  @Test
  void itIsWrittenInThreeForms(@TempDir Path folder) throws IOException {
    NetworkReport report = report();
    assertThat(report.markdown())
        .contains("1,234 bytes")
        .contains("5,678 multiply-adds")
        .contains("| native/f32 | 0.30 | 0.10 .. 0.30 | 0.90 | 0.38 | 1.00 | 0 |")
        .contains("| rnn | Gru | 0.09 |")
        .contains("* silent: it has a Mystery node");
    report.json(folder.resolve("networks.json"));
    JsonNode json = JsonMapper.builder().build().readTree(folder.resolve("networks.json").toFile());
    assertThat(json.at("/lines/0/p50_ns").asDouble()).isCloseTo(300, within(1.0));
    report.plot(folder.resolve("networks.svg"));
    assertThat(folder.resolve("networks.svg")).isNotEmptyFile();
  }

  /** Weights of positions are read once and multiplied at each; biases are neither. */
  @Test
  void theLeastWorkIsThatOfTheMatrices() {
    Model model =
        new Model(
            List.of(
                new Positions(
                    "conv",
                    5,
                    1,
                    Matrix.of("W", 3, 2, new float[6]),
                    Matrix.vector("b", new float[3]),
                    Activation.LINEAR),
                new Dense(
                    "dense",
                    Matrix.of("W", 2, 15, new float[30]),
                    Matrix.vector("b", new float[2]),
                    Activation.LINEAR)));
    assertThat(LeastWork.of(model)).isEqualTo(new LeastWork(4 * 36, 5 * 6 + 30));
  }
}
