package io.github.stillgate.bench.step;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.plan.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./stillgate bench shares}: where the time of a step goes. */
@Command(
    name = "shares",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Takes a step of a GRU, as wide as its input and with every column multiplied, apart: a plain read"
          + " of so many bytes as its weights have; what its products take beyond that, which is"
          + " arithmetic; the end, which is gates, candidate and state; and the rest: calls, checks, and"
          + " the copies of input and output. Each part is timed by itself, in turns with the step, so"
          + " that the rest can come out below 0: parts overlap in a processor.",
      ""
    })
public final class Shares implements Callable<Integer> {
  @Option(
      names = "--sizes",
      split = ",",
      defaultValue = "64,128,256,512,1024",
      paramLabel = "N,...",
      description = "units, and inputs")
  private List<Integer> sizes = List.of();

  @Option(
      names = "--formats",
      split = ",",
      defaultValue = "f32,bf16,i8",
      paramLabel = "FORMAT,...",
      description = "formats of weights")
  private List<String> formats = List.of();

  @Option(
      names = "--backends",
      split = ",",
      paramLabel = "NAME,...",
      description = "backends; without it those that run here, but the reference")
  private @Nullable List<String> backends;

  @Option(names = "--forks", defaultValue = "3", paramLabel = "N", description = "JVMs a line")
  private int forks;

  @Option(
      names = "--turns",
      defaultValue = "60",
      paramLabel = "N",
      description = "turns of 4 ms, of each part")
  private int turns;

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(names = "--markdown", paramLabel = "FILE", description = "writes the table as Markdown")
  private @Nullable Path markdown;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public Shares() {}

  /**
   * One line: nanoseconds, medians over the JVMs.
   *
   * @param backend who
   * @param format f32, bf16 or i8
   * @param units width
   * @param bytes of the weights
   * @param step a step
   * @param read a plain read of those bytes
   * @param products the products
   * @param end gates, candidate and state
   */
  record Line(
      String backend,
      String format,
      int units,
      double bytes,
      @JsonProperty("step_ns") double step,
      @JsonProperty("read_ns") double read,
      @JsonProperty("products_ns") double products,
      @JsonProperty("end_ns") double end) {
    static Line of(String backend, WeightFormat format, int units, List<Parts.Times> times) {
      return new Line(
          backend,
          format.name().toLowerCase(Locale.ROOT),
          units,
          Parts.bytes(format, units),
          median(times, Parts.Times::step),
          median(times, Parts.Times::read),
          median(times, Parts.Times::products),
          median(times, Parts.Times::end));
    }

    private static double median(List<Parts.Times> times, ToDoubleFunction<Parts.Times> part) {
      double[] sorted = times.stream().mapToDouble(part).sorted().toArray();
      return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private String percent(double nanos) {
      return String.format(Locale.ROOT, "%.0f %%", 100 * nanos / step);
    }

    String row() {
      return String.format(
          Locale.ROOT,
          "| %s | %s | %d | %.2f | %s | %s | %s | %s | %.1f |%n",
          backend,
          format,
          units,
          step / 1e3,
          percent(read),
          percent(products - read),
          percent(end),
          percent(step - products - end),
          bytes / step);
    }
  }

  /**
   * The results.
   *
   * @param machine CPU, cores, JDK
   * @param date day of the run
   * @param command what made them
   * @param lines one a backend, format and width
   */
  record Report(String machine, String date, String command, List<Line> lines) {
    String toMarkdown() {
      StringBuilder text = new StringBuilder();
      text.append("%s, %s. Made by `%s`.%n%n".formatted(machine, date, command));
      text.append(
          """
          | backend | weights | n | step us | bytes | arithmetic | end | the rest | GB/s |
          |---|---|--:|--:|--:|--:|--:|--:|--:|
          """);
      lines.forEach(line -> text.append(line.row()));
      return text.toString();
    }
  }

  @Override
  public Integer call() throws Exception {
    if (forks < 1 || turns < 4 || sizes.stream().anyMatch(units -> units < 8)) {
      throw new ParameterException(
          spec.commandLine(), "--forks from 1, --turns from 4, --sizes from 8");
    }
    List<WeightFormat> chosen = formats.stream().map(this::format).toList();
    List<String> names =
        backends != null
            ? backends
            : Backends.usable().stream().filter(name -> !name.equals("reference")).toList();
    List<Line> lines = new ArrayList<>();
    for (String backend : names) {
      for (WeightFormat format : chosen) {
        for (int units : sizes) {
          lines.add(measure(backend, format, units));
        }
      }
    }
    String command =
        "./stillgate bench shares --sizes %s --formats %s --forks %d --turns %d"
            .formatted(
                sizes.stream().map(String::valueOf).collect(Collectors.joining(",")),
                String.join(",", formats),
                forks,
                turns);
    Report report = new Report(Machine.description(), LocalDate.now().toString(), command, lines);
    System.out.print(report.toMarkdown());
    if (markdown != null) {
      Files.writeString(markdown, report.toMarkdown());
    }
    if (json != null) {
      JsonMapper.builder()
          .build()
          .writerWithDefaultPrettyPrinter()
          .writeValue(json.toFile(), report);
    }
    return 0;
  }

  private WeightFormat format(String word) {
    return Arrays.stream(WeightFormat.values())
        .filter(format -> format.name().equalsIgnoreCase(word))
        .findFirst()
        .orElseThrow(() ->
            new ParameterException(
                spec.commandLine(),
                "--formats: \"%s\" is not known (known: f32, bf16, i8)".formatted(word)));
  }

  private Line measure(String backend, WeightFormat format, int units) throws Exception {
    List<Parts.Times> times = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      String said =
          ForkedJvm.run(
              Parts.class,
              List.of(),
              List.of(backend, format.name(), Integer.toString(units), Integer.toString(turns)));
      times.add(JsonMapper.builder().build().readValue(said, Parts.Times.class));
    }
    return Line.of(backend, format, units, times);
  }
}
