package io.github.stillgate.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

final class ReproduceTest {
  @Test
  void asksForThePaperAndListsThem() {
    StringWriter errors = new StringWriter();
    CommandLine command = Reproduce.command().setErr(new PrintWriter(errors));
    assertThat(command.execute()).isEqualTo(2);
    assertThat(errors.toString()).contains("Missing required subcommand").contains("gru");
  }

  @Test
  void namesTheOptionThatIsMissing() {
    StringWriter errors = new StringWriter();
    CommandLine command = Reproduce.command().setErr(new PrintWriter(errors));
    assertThat(command.execute("gru", "table2")).isEqualTo(2);
    assertThat(errors.toString()).contains("--text");
  }
}
