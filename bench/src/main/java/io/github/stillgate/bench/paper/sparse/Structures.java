package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.LstmStructure;
import io.github.stillgate.bench.strategy.Turns;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The structures of the paper's Table 1, LSTMs alone, timed on random weights: what removed units
 * and constant gates are worth in a step. The paper states that they lessen the computation
 * (section 2.1), and measures no time.
 */
final class Structures {
  /** Of the byte bound, that a step must reach. */
  static final double GOAL = 0.7;

  /** Medians of several JVMs differ by so much between equal programs. */
  private static final double NOISE = 0.02;

  private Structures() {}

  /**
   * One structure on one backend; times are of a step, medians over JVMs.
   *
   * @param structure widths, units and gates in words
   * @param backend who runs it
   * @param whole nanoseconds of the whole LSTMs
   * @param units with units removed
   * @param gates with constant gates besides
   * @param elsewhere the whole LSTMs in ONNX Runtime; null if it is not here
   * @param unitsBound bytes of the whole LSTMs over those with units removed
   * @param gatesBound over those with constant gates besides
   */
  record Row(
      String structure,
      String backend,
      @JsonProperty("whole_ns") double whole,
      @JsonProperty("units_ns") double units,
      @JsonProperty("gates_ns") double gates,
      @JsonProperty("onnx_runtime_ns") @Nullable Double elsewhere,
      @JsonProperty("units_bound") double unitsBound,
      @JsonProperty("gates_bound") double gatesBound) {
    /** Part of the byte bound that is reached. */
    double share() {
      return whole / gates / gatesBound;
    }

    /** What is below its goal, one line each. */
    List<String> misses() {
      List<String> misses = new ArrayList<>();
      if (share() < GOAL) {
        misses.add(
            String.format(
                Locale.ROOT,
                "%s, %s: %.0f %% of the byte bound; the goal is %.0f %%",
                structure,
                backend,
                100 * share(),
                100 * GOAL));
      }
      if (gates > units * (1 + NOISE)) {
        misses.add(
            String.format(
                Locale.ROOT,
                "%s, %s: constant gates make a step %.1f %% slower than removed units alone",
                structure,
                backend,
                100 * (gates / units - 1)));
      }
      return misses;
    }
  }

  /** Times all structures in {@code forks} JVMs each. */
  static List<Row> measure(int forks, int turns) throws IOException, InterruptedException {
    List<Row> rows = new ArrayList<>();
    for (LstmStructure structure : List.of(LstmStructure.SMALL, LstmStructure.LARGE)) {
      List<List<Turns.Time>> found = new ArrayList<>();
      for (int fork = 0; fork < forks; fork++) {
        String text =
            ForkedJvm.run(
                StructureFork.class,
                List.of(),
                List.of(Integer.toString(structure.inputs()), Integer.toString(turns)));
        found.add(JsonMapper.builder().build().readValue(text, new TypeReference<>() {}));
      }
      rows.addAll(rows(structure, found));
    }
    return rows;
  }

  /** A row for each backend of {@code found}, the times of several JVMs. */
  static List<Row> rows(LstmStructure structure, List<List<Turns.Time>> found) {
    double whole = bytes(structure.dense());
    double units = bytes(structure.unitsRemoved());
    double gates = bytes(structure.gatesConstant());
    return found.get(0).stream()
        .map(Turns.Time::contender)
        .filter(name -> name.startsWith(StructureFork.GATES))
        .map(name -> name.substring(name.indexOf(' ') + 1))
        .map(backend ->
            new Row(
                words(structure),
                backend,
                median(found, StructureFork.WHOLE + " " + backend).orElseThrow(),
                median(found, StructureFork.UNITS + " " + backend).orElseThrow(),
                median(found, StructureFork.GATES + " " + backend).orElseThrow(),
                median(found, StructureFork.WHOLE + " ONNX Runtime").orElse(null),
                whole / units,
                whole / gates))
        .toList();
  }

  private static String words(LstmStructure structure) {
    return "%d-%d with %d-%d units, %d-%d gates"
        .formatted(
            structure.inputs(),
            structure.inputs(),
            structure.units().get(0),
            structure.units().get(1),
            structure.gates().get(0),
            structure.gates().get(1));
  }

  private static double bytes(Model model) {
    try (Plan plan = Plan.compile(model, PlanOptions.defaults())) {
      return plan.denseBytesPerStep();
    }
  }

  private static Optional<Double> median(List<List<Turns.Time>> found, String contender) {
    double[] nanos =
        found.stream()
            .flatMap(List::stream)
            .filter(time -> time.contender().equals(contender))
            .mapToDouble(Turns.Time::nanos)
            .sorted()
            .toArray();
    return nanos.length == 0 ? Optional.empty() : Optional.of(nanos[nanos.length / 2]);
  }

  /** The rows as a table, and whether the goals are reached. */
  static String markdown(List<Row> rows) {
    StringBuilder text = new StringBuilder();
    text.append(
        "| LSTMs | backend | whole | units removed | gates constant too | over whole | of the byte"
            + " bound | constant gates over units alone | ONNX Runtime, whole | over it |\n"
            + "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (Row row : rows) {
      Double elsewhere = row.elsewhere;
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.1f us | %.1f us | %.1f us | %.1f | %.1f: %.0f %% | %.2f (bytes %.2f) |"
                  + " %s | %s |%n",
              row.structure,
              row.backend,
              row.whole / 1e3,
              row.units / 1e3,
              row.gates / 1e3,
              row.whole / row.gates,
              row.gatesBound,
              100 * row.share(),
              row.units / row.gates,
              row.gatesBound / row.unitsBound,
              elsewhere == null ? "" : String.format(Locale.ROOT, "%.1f us", elsewhere / 1e3),
              elsewhere == null ? "" : String.format(Locale.ROOT, "%.1f", elsewhere / row.gates)));
    }
    List<String> misses = rows.stream().flatMap(row -> row.misses().stream()).toList();
    text.append('\n');
    if (rows.stream().anyMatch(row -> row.share() > 1)) {
      text.append(
          "More than 100 % of the bound: the whole LSTMs are read from memory, what is left of them"
              + " from a cache.\n\n");
    }
    if (misses.isEmpty()) {
      text.append(
          "Every row reaches 70 % of its byte bound, and constant gates never cost time (within 2 %,"
              + " the noise).\n");
    }
    misses.forEach(miss -> text.append("* missed: ").append(miss).append('\n'));
    return text.toString();
  }
}
