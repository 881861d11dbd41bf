package io.github.stillgate.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

  @ParameterizedTest
  @CsvSource({
    "sparse, structures, --forks",
    "sparse, structures, --turns",
    "sru, computation, --trials",
    "sru, drqa, --sequences",
    "sru, drqa, --lengths",
    "sru, sentences, --folds",
    "sru, sentences, --epochs",
    "gru, table2, --trials",
    "gru, table2, --steps"
  })
  void refusesToCountToNothing(String paper, String part, String option) {
    for (String count : List.of("0", "-1", "x")) {
      StringWriter errors = new StringWriter();
      CommandLine command = Reproduce.command().setErr(new PrintWriter(errors));
      assertThat(command.execute(paper, part, option, count)).isEqualTo(2);
      assertThat(errors.toString())
          .contains("'%s'".formatted(option))
          .contains("'%s' is no whole number from 1 on".formatted(count));
    }
  }
}
