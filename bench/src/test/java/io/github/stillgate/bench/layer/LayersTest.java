package io.github.stillgate.bench.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.github.stillgate.core.plan.WeightFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class LayersTest {
  @Test
  void withoutOnnxRuntimeItSaysSoAndMeasuresNothing() {
    assumeFalse(Contender.hasPeer(), "ONNX Runtime is on the class path");
    StringWriter said = new StringWriter();
    // A run would take 100,000 JVMs.
    int exit =
        new CommandLine(new Layers())
            .setErr(new PrintWriter(said))
            .execute("--forks", "100000", "--units", "16");
    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(said.toString())
        .contains("ONNX Runtime is not on the class path", "-Ppeers", "--alone");
  }

  @Test
  void anUnknownLayerIsRefusedBeforeAnyJvmStarts() {
    StringWriter said = new StringWriter();
    int exit =
        new CommandLine(new Layers())
            .setErr(new PrintWriter(said))
            .execute("--alone", "--forks", "100000", "--layers", "gru,conv");
    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(said.toString()).contains("--layers", "\"conv\"", "gru, lstm, sru");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--units", "--batch-units", "--sequence-units"})
  void aWidthOfNothingIsRefusedBeforeAnyJvmStarts(String option) {
    StringWriter said = new StringWriter();
    int exit =
        new CommandLine(new Layers())
            .setErr(new PrintWriter(said))
            .execute("--alone", "--forks", "100000", option, "64,0");
    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(said.toString()).contains(option, "'0' is no whole number from 1 on");
  }

  /** Medians of ratios within one JVM: JVMs are not held against each other. */
  @Test
  void aLineComparesWithinEachJvm() {
    List<List<LayerFork.Found>> runs =
        List.of(run(100, 40, 200), run(1000, 500, 4000), run(100, 50, 100));
    List<LayerTable.Line> lines = LayerTable.lines(new Case("gru", 512, 64, 1), runs);
    assertThat(lines).extracting(LayerTable.Line::p50).containsExactly(100.0, 50.0, 200.0);
    assertThat(lines).extracting(LayerTable.Line::p50Ratio).containsExactly(0.5, 0.2, 1.0);
    assertThat(lines).extracting(LayerTable.Line::float32Speedup).containsExactly(null, 2.0, null);
    assertThat(lines).extracting(LayerTable.Line::streams).containsOnly(64);
    assertThat(lines).extracting(LayerTable.Line::beside).containsOnlyNulls();
    assertThat(lines).extracting(LayerTable.Line::overOurs).containsOnlyNulls();
    assertThat(lines).extracting(LayerTable.Line::overPeers).containsOnlyNulls();
  }

  private static List<LayerFork.Found> run(double float32, double bf16, double peer) {
    return List.of(
        found("gru", "native", WeightFormat.F32, float32),
        found("gru", "native", WeightFormat.BF16, bf16),
        found("gru", LayerTable.PEER, WeightFormat.F32, peer));
  }

  /** Over the LSTM of the same contender with the same format, and over ONNX Runtime's. */
  @Test
  void anSruIsComparedWithTheLstmsOfItsJvm() {
    List<LayerFork.Found> run =
        List.of(
            found("sru", "native", WeightFormat.F32, 10),
            found("sru", "vector", WeightFormat.F32, 12),
            found("sru", "native", WeightFormat.BF16, 5),
            found("lstm", "native", WeightFormat.F32, 40),
            found("lstm", "vector", WeightFormat.F32, 60),
            found("lstm", "native", WeightFormat.BF16, 25),
            found("lstm", LayerTable.PEER, WeightFormat.F32, 50));
    List<LayerTable.Line> lines = LayerTable.lines(new Case("sru", 512, 1, 128), List.of(run));
    assertThat(lines)
        .extracting(LayerTable.Line::overOurs)
        .containsExactly(0.25, 0.2, 0.2, null, null, null, null);
    assertThat(lines)
        .extracting(LayerTable.Line::overPeers)
        .containsExactly(0.2, 0.24, 0.1, null, null, null, null);
    assertThat(lines)
        .extracting(LayerTable.Line::p50Ratio)
        .containsExactly(null, null, null, 0.8, 1.2, 0.5, 1.0);
    assertThat(lines).extracting(LayerTable.Line::steps).containsOnly(128);
    assertThat(lines.getFirst().row())
        .isEqualTo("| sru | 512 | 1 | 128 | native | f32 | 0.01 | 0.02 |  |  | 0.25 | 0.20 |  |");
    assertThat(lines.get(3).row()).startsWith("| lstm beside sru | 512 |");
  }

  private static LayerFork.Found found(
      String layer, String contender, WeightFormat weights, double nanos) {
    return new LayerFork.Found(new LayerFork.Who(layer, contender, weights), nanos, 2 * nanos, 9);
  }
}
