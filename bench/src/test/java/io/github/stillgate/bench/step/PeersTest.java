package io.github.stillgate.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class PeersTest {
  /** Before any JVM starts: a run would take 100,000. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--cells | gru,conv   | cell \"conv\" is not known (known: gru, lstm, conditional)",
        "--sizes | 64,0       | a width of 0; expected a positive number",
        "--rows  | nativ      | \"nativ\" (known: native/f32, native/bf16, native/i8",
        "--rows  | native/i8/moved-0.3 | no row is, or begins with",
        "--forks | 0          | --forks: 0.0; expected at least 1",
        "--seconds | 0        | --seconds: 0.0; expected a time above 0",
        "--seconds | NaN      | --seconds: NaN; expected a time above 0",
        "--moved | 0.5,1.5    | --moved: 1.5; expected above 0, up to 1",
        "--live  | 1          | --live: 1.0; expected between 0 and 1",
      })
  void whatCannotBeMeasuredIsRefused(String option, String value, String said) {
    StringWriter err = new StringWriter();
    int exit =
        new CommandLine(new Peers())
            .setErr(new PrintWriter(err))
            .setOverwrittenOptionsAllowed(true)
            .execute("--forks", "100000", option, value);
    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(err.toString()).contains(said);
  }

  @Test
  void theWeakMachineIsNarrowed() {
    assertThat(Host.WEAK.start().flags())
        .contains("-XX:MaxVectorSize=16", "-XX:ActiveProcessorCount=1");
    assertThat(Host.WHOLE.start().before()).isEmpty();
    assertThat(Host.WHOLE.start().environment()).isEmpty();
    assertThat(Host.WEAK.description()).contains("128 bits", "ONNX Runtime cannot be narrowed");
  }
}
