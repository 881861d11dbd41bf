package io.github.stillgate.bench.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.github.stillgate.core.plan.WeightFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class PeersTest {
  @Test
  void withoutOnnxRuntimeItSaysSoAndMeasuresNothing() {
    assumeFalse(Contender.hasPeer(), "ONNX Runtime is on the class path");
    StringWriter said = new StringWriter();
    // A run would take 100,000 JVMs.
    int exit =
        new CommandLine(new Peers())
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
        new CommandLine(new Peers())
            .setErr(new PrintWriter(said))
            .execute("--alone", "--forks", "100000", "--layers", "gru,conv");
    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(said.toString()).contains("--layers", "\"conv\"", "gru, lstm");
  }

  /** Medians of ratios within one JVM: JVMs are not held against each other. */
  @Test
  void aLineComparesWithinEachJvm() {
    List<List<PeerFork.Found>> runs =
        List.of(run(100, 40, 200), run(1000, 500, 4000), run(100, 50, 100));
    List<Peers.Line> lines = Peers.lines(new Task("gru", 512, 64, 1), runs);
    assertThat(lines).extracting(Peers.Line::p50).containsExactly(100.0, 50.0, 200.0);
    assertThat(lines).extracting(Peers.Line::p50Ratio).containsExactly(0.5, 0.2, 1.0);
    assertThat(lines).extracting(Peers.Line::float32Speedup).containsExactly(null, 2.0, null);
    assertThat(lines).extracting(Peers.Line::besideRatio).containsOnlyNulls();
    assertThat(lines).extracting(Peers.Line::streams).containsOnly(64);
  }

  private static List<PeerFork.Found> run(double float32, double bf16, double peer) {
    return List.of(
        found("native", "gru", WeightFormat.F32, float32),
        found("native", "gru", WeightFormat.BF16, bf16),
        found(Peers.PEER, "gru", WeightFormat.F32, peer));
  }

  private static PeerFork.Found found(
      String contender, String layer, WeightFormat weights, double p50) {
    return new PeerFork.Found(contender, layer, weights, p50, 2 * p50, 9);
  }

  /** What others have no layer for is compared with the layer beside it, ours and theirs. */
  @Test
  void anSruIsComparedWithLstms() {
    List<PeerFork.Found> run =
        List.of(
            found("native", "sru", WeightFormat.F32, 30),
            found("native", "sru", WeightFormat.BF16, 15),
            found("native", "lstm", WeightFormat.F32, 60),
            found(Peers.PEER, "lstm", WeightFormat.F32, 120));
    List<Peers.Line> lines = Peers.lines(new Task("sru", 512, 1, 1), List.of(run));
    assertThat(lines).extracting(Peers.Line::layer).containsExactly("sru", "sru", "lstm", "lstm");
    assertThat(lines).extracting(Peers.Line::p50Ratio).containsExactly(0.25, 0.125, 0.5, 1.0);
    assertThat(lines).extracting(Peers.Line::besideRatio).containsExactly(0.5, 0.25, null, null);
    assertThat(lines).extracting(Peers.Line::float32Speedup).containsExactly(null, 2.0, null, null);
  }
}
