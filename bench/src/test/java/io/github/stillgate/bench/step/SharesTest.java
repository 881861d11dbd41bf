package io.github.stillgate.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.WeightFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

class SharesTest {
  @ParameterizedTest
  @EnumSource(WeightFormat.class)
  void aStepAndItsPartsAreTimed(WeightFormat format) {
    Parts.Times times = Parts.time("vector", format, 72, 4, 0);
    assertThat(times.step()).isPositive();
    assertThat(times.read()).isPositive();
    assertThat(times.products()).isPositive();
    assertThat(times.end()).isPositive();
    assertThat(Parts.bytes(format, 72)).isEqualTo(6.0 * 72 * 72 * format.bytes());
  }

  @Test
  void sharesAreOfTheMedianStep() {
    Shares.Line line =
        Shares.Line.of(
            "native",
            WeightFormat.I8,
            100,
            List.of(
                new Parts.Times(2000, 500, 1200, 400),
                new Parts.Times(1000, 700, 1000, 300),
                new Parts.Times(3000, 600, 1300, 500)));
    assertThat(line.row())
        .isEqualToNormalizingNewlines(
            "| native | i8 | 100 | 2.00 | 30 % | 30 % | 20 % | 20 % | 30.0 |\n");
  }

  @Test
  void anUnknownFormatIsRefusedWithTheKnownOnes() {
    StringWriter said = new StringWriter();
    CommandLine line = new CommandLine(new Shares()).setErr(new PrintWriter(said, true));
    assertThat(line.execute("--formats", "f16")).isEqualTo(2);
    assertThat(said.toString()).contains("\"f16\" is not known (known: f32, bf16, i8)");
  }
}
