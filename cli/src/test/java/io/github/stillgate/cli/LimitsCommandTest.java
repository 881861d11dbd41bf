package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} and {@code tune} with bounds on a step. */
class LimitsCommandTest {
  private static final String MODEL =
      Path.of(System.getProperty("stillgate.home"), "models", "text8-256.safetensors").toString();

  @TempDir Path folder;

  private static JsonNode json(Outcome outcome) throws Exception {
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.builder().build().readTree(outcome.out());
  }

  private String text() throws Exception {
    Path file = folder.resolve("text.txt");
    Files.writeString(file, "the gate that stands still is never computed ".repeat(20));
    return file.toString();
  }

  @Test
  void runTellsWhatABoundCuts() throws Exception {
    String text = text();
    JsonNode all = json(run("run", MODEL, text, "--json"));
    JsonNode few = json(run("run", MODEL, text, "--json", "--max-live", "20"));
    assertThat(all.get("limits").asText()).isEqualTo("none");
    assertThat(all.get("units_held_back").asDouble()).isZero();
    assertThat(few.get("limits").asText()).contains("at most 20 units live");
    assertThat(few.get("units_held_back").asDouble()).isPositive();
    assertThat(few.get("bytes_per_step").asDouble())
        .isLessThanOrEqualTo(few.get("most_bytes_per_step").asDouble());
    assertThat(few.get("most_bytes_per_step").asLong())
        .isLessThan(all.get("most_bytes_per_step").asLong());
    assertThat(few.get("bits_per_char").asDouble())
        .isNotEqualTo(all.get("bits_per_char").asDouble());
  }

  @Test
  void runRefusesADeadlineThatCannotBeMet() throws Exception {
    Outcome refused = run("run", MODEL, text(), "--deadline", "1ns");
    assertThat(refused.code()).isOne();
    assertThat(refused.err()).contains("the deadline of 0.0 us cannot be met: a step takes");
    Outcome usage = run("run", MODEL, text(), "--deadline", "soon");
    assertThat(usage.code()).isEqualTo(2);
    assertThat(usage.err()).contains("'soon' is no time").contains("200us");
  }

  @Test
  void tuneDrawsScoreAgainstTheBound() throws Exception {
    Path out = folder.resolve("tuned");
    JsonNode report =
        json(
            run(
                "tune",
                MODEL,
                text(),
                "--max-live",
                "20,60",
                "--limit",
                "300",
                "--json",
                "--out",
                out.toString()));
    JsonNode points = report.get("points");
    assertThat(points).hasSize(3);
    assertThat(points.get(0).has("max_live")).isFalse();
    assertThat(points.get(0).get("rms_error").asDouble()).isZero();
    assertThat(points.get(1).get("max_live").asInt()).isEqualTo(60);
    assertThat(points.get(2).get("max_live").asInt()).isEqualTo(20);
    assertThat(points.get(2).get("rms_error").asDouble())
        .isGreaterThan(points.get(1).get("rms_error").asDouble());
    assertThat(points.get(2).get("most_bytes_per_step").asLong())
        .isLessThan(points.get(1).get("most_bytes_per_step").asLong());
    assertThat(Files.readString(out.resolve("tune.svg"))).contains("<svg");
    assertThat(Files.readString(out.resolve("tune.md")))
        .contains("| 20 |")
        .contains("| all |")
        .doesNotContain("%n");
    assertThat(run("tune", MODEL, text(), "--max-live", "0").code()).isEqualTo(2);
  }

  @Test
  void timesHaveUnits() {
    DurationOption option = new DurationOption();
    assertThat(option.convert("200us")).isEqualTo(Duration.ofNanos(200_000));
    assertThat(option.convert("1.5ms")).isEqualTo(Duration.ofNanos(1_500_000));
    assertThat(option.convert("2s")).isEqualTo(Duration.ofSeconds(2));
    for (String bad : new String[] {"200", "us", "-1us", "0us", "1e3us", "1m"}) {
      assertThatThrownBy(() -> option.convert(bad)).hasMessageContaining(bad);
    }
  }
}
