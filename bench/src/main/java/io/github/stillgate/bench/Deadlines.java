package io.github.stillgate.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./stillgate bench deadline}: how long the longest steps are, with bounds and without. */
@Command(
    name = "deadline",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times every step of long streams, without a bound and with one: a conditional GRU with at most"
          + " K live units a layer, an int8 GRU with at most K values of an operand sent. After every"
          + " step a probe is timed in the same thread: a fixed amount of arithmetic in registers, as"
          + " long as a median step. What delays the probe is the machine, not the step.",
      "",
      "A row keeps its promise if no step reads more bytes than the plan states, and if the 99.99th"
          + " percentile of its steps exceeds that of the probe by at most half a median step.",
      ""
    })
public final class Deadlines implements Callable<Integer> {
  @Option(
      names = "--steps",
      defaultValue = "1000000",
      paramLabel = "N",
      description = "steps a row")
  private int steps;

  @Option(
      names = "--units",
      defaultValue = "512",
      paramLabel = "N",
      description = "width of a layer")
  private int units;

  @Option(
      names = "--share",
      defaultValue = "0.25",
      paramLabel = "S",
      description = "K as a part of the units")
  private double share;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; without it the best that runs")
  private @Nullable String backend;

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(names = "--markdown", paramLabel = "FILE", description = "writes the table as Markdown")
  private @Nullable Path markdown;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public Deadlines() {}

  /**
   * The results.
   *
   * @param machine CPU, cores, JDK
   * @param date day of the run
   * @param units width of a layer
   * @param rows one a plan
   */
  record Report(String machine, String date, int units, List<Jitter> rows) {
    String toMarkdown() {
      StringBuilder text = new StringBuilder();
      text.append(
          "%s, %s; two layers of %d. Made by `./stillgate bench deadline`.%n%n"
              .formatted(machine, date, units));
      text.append(Jitter.HEAD);
      rows.forEach(row -> text.append(row.row()));
      return text.toString();
    }
  }

  @Override
  public Integer call() throws Exception {
    if (steps < 100 || units < 8 || !(share > 0 && share <= 1)) {
      throw new ParameterException(
          spec.commandLine(), "--steps from 100, --units from 8, --share above 0 and at most 1");
    }
    int most = Math.max(1, (int) (share * units));
    PlanOptions options = PlanOptions.defaults().withInputBound(1);
    if (backend != null) {
      options = options.withBackend(backend);
    }
    PlanOptions int8 = options.withWeights(WeightFormat.I8);
    Model gated = Networks.conditional(units, 0.4);
    Model whole = Networks.gru(units, units);
    List<Jitter> rows = new ArrayList<>();
    rows.add(measure("conditional, 40 % live", gated, options));
    rows.add(measure("conditional, at most " + most + " live", gated, options.withMaxLive(most)));
    rows.add(measure("GRU, int8", whole, int8));
    rows.add(measure("GRU, int8, at most " + most + " moved", whole, int8.withMaxMoved(most)));
    Report report = new Report(Machine.description(), LocalDate.now().toString(), units, rows);
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

  private Jitter measure(String name, Model model, PlanOptions options) {
    try (Plan plan = Plan.compile(model, options)) {
      plan.warmUp();
      return Jitter.measure(name, plan, steps);
    }
  }
}
