package io.github.stillgate.bench.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class PeersTest {
  @Test
  void withoutOnnxRuntimeItSaysSoAndMeasuresNothing() {
    assumeFalse(StepContender.hasPeer(), "ONNX Runtime is on the class path");
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
}
