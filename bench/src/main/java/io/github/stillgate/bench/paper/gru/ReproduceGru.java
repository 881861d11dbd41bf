package io.github.stillgate.bench.paper.gru;

import io.github.stillgate.bench.Count;
import io.github.stillgate.bench.Launched;
import io.github.stillgate.bench.paper.Curve;
import io.github.stillgate.bench.paper.Race;
import io.github.stillgate.bench.paper.Trainings;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Interruption;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code reproduce gru}: the conditional GRU paper's tables and curves, measured again. */
@Command(
    name = "gru",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Trains the networks of the conditional GRU paper (Davis and Arel, 2016), and measures them on"
          + " held-out text against the fastest full GRU of equal size that is found here.",
      "",
      "table2: block gating. table4: unit gating, and full gating beside it. full: full gating alone, and"
          + " exit code 1 if it is more than 3 times as fast, which its bytes do not allow. curves: training and validation, and the reset inside"
          + " against outside the matrix. recipes: other ways to a live fraction.",
      "",
      "What is trained already is not trained again, and an interrupted run goes on where it was. Leave"
          + " the machine alone while it measures.",
      "",
      "With ONNX Runtime and MKL: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate reproduce gru all --text FILE",
      ""
    })
public final class ReproduceGru implements Callable<Integer> {
  enum Part {
    table2,
    table4,
    full,
    curves,
    recipes,
    all
  }

  @Parameters(paramLabel = "PART", description = "${COMPLETION-CANDIDATES}")
  private Part part;

  @Option(
      names = "--text",
      required = true,
      paramLabel = "FILE",
      description = "the first 12,549,840 bytes of text8")
  private Path text;

  @Option(
      names = "--budget",
      defaultValue = "200",
      paramLabel = "UPDATES",
      description = "updates of each network of the tables (1024 units; about a second each)")
  private int budget;

  @Option(
      names = "--curve-budget",
      defaultValue = "3000",
      paramLabel = "UPDATES",
      description = "updates of each network of the curves and recipes (256 units)")
  private int curveBudget;

  @Option(
      names = "--folder",
      defaultValue = "checkpoints/reproduce",
      description = "where networks in training are kept")
  private Path folder;

  @Option(
      names = "--results",
      defaultValue = "bench/results",
      description = "where tables and plots are written")
  private Path results;

  @Option(names = "--train-only", description = "stops before measuring")
  private boolean trainOnly;

  @Option(names = "--validation-chars", defaultValue = "50000", description = "for each validation")
  private int validationChars;

  @Option(
      names = "--score-chars",
      defaultValue = "50000",
      description = "characters of the test part that exported networks are scored on")
  private int scoreChars;

  @Option(
      names = "--trials",
      converter = Count.class,
      defaultValue = "10",
      description = "trials of each cell")
  private int trials;

  @Option(
      names = "--steps",
      converter = Count.class,
      defaultValue = "1000",
      description = "steps of a trial, one stream")
  private int steps;

  @Option(
      names = "--batch-steps",
      converter = Count.class,
      defaultValue = "1000",
      description = "steps of a trial, 64 streams")
  private int batchSteps;

  /** For picocli. */
  public ReproduceGru() {}

  @Override
  public Integer call() throws Exception {
    CharCorpus corpus = CharCorpus.read(text, 11_500_000, 500_000);
    Trainings trainings = new Trainings(folder, corpus, validationChars);
    if (!train(trainings)) {
      return 130;
    }
    if (!trainOnly) {
      List<String> above = measure(trainings, corpus);
      System.out.println("wrote " + results);
      above.forEach(line -> System.err.println("above 3x: " + line));
      return above.isEmpty() ? 0 : 1;
    }
    return 0;
  }

  private boolean train(Trainings trainings) throws IOException {
    try (Interruption interruption = Interruption.listen()) {
      return trainings.run(experiments(), interruption::isAsked);
    }
  }

  private boolean wants(Part one) {
    return part == one || part == Part.all || one == Part.full && part == Part.table4;
  }

  private List<Experiment> experiments() {
    List<Experiment> wanted = new ArrayList<>();
    if (wants(Part.table2)) {
      wanted.addAll(Experiment.table2(budget));
    }
    if (wants(Part.table4)) {
      wanted.addAll(Experiment.table4(budget));
    }
    if (wants(Part.table2) || wants(Part.table4)) {
      wanted.addAll(Experiment.dense(budget));
    }
    if (wants(Part.full)) {
      wanted.addAll(Experiment.fullGating(budget));
      // The only dense network it is measured against; wanted twice it is trained once.
      wanted.add(Experiment.dense(budget).getFirst());
    }
    if (wants(Part.curves) || wants(Part.recipes)) {
      wanted.addAll(Experiment.curves(curveBudget));
    }
    if (wants(Part.recipes)) {
      wanted.addAll(Experiment.recipes(curveBudget));
    }
    return wanted;
  }

  /** Writes what was asked for; returns what full gating has above its bound. */
  private List<String> measure(Trainings trainings, CharCorpus corpus) throws IOException {
    String command =
        (Launched.command()
                + " reproduce gru %s --text FILE --budget %d --curve-budget %d --trials %d --steps %d"
                + " --batch-steps %d --score-chars %d --validation-chars %d")
            .formatted(
                part, budget, curveBudget, trials, steps, batchSteps, scoreChars, validationChars);
    Report report = new Report(results, command);
    Tables tables =
        new Tables(trainings, corpus, trials, steps, batchSteps, scoreChars, System.out);
    List<Experiment> dense = Experiment.dense(budget);
    String note =
        "27-1024-1024-27, %d updates a network, the second half towards the population's statistics: the"
                .formatted(budget)
            + " gates are trained, the networks are not yet good."
            + " Factors are medians of %d trials of %d steps (%d with 64 streams) on held-out text, all"
                .formatted(trials, steps, batchSteps)
            + " contenders in turn within a trial, one thread each.";
    List<TableRow> block = List.of();
    List<TableRow> unit = List.of();
    if (wants(Part.table2)) {
      block = tables.measure(Experiment.table2(budget), dense.getFirst());
      report.table("table2", "Table II again: block gating", block, note);
      report.liveFractions(
          "table2", "Live units, block gating", curvesOf(trainings, Experiment.table2(budget)));
    }
    if (wants(Part.table4)) {
      unit = tables.measure(Experiment.table4(budget), dense.getFirst());
      report.table(
          "table4",
          "Table IV again: unit gating",
          unit,
          note + " Full gating: [table4-full.md](table4-full.md).");
      report.liveFractions(
          "table4", "Live units, unit gating", curvesOf(trainings, Experiment.table4(budget)));
    }
    List<String> above = List.of();
    if (wants(Part.full)) {
      List<TableRow> full = tables.measure(Experiment.fullGating(budget), dense.getFirst());
      above = FullGatingBound.above(full);
      report.fullGating(full, above, note);
      report.liveFractions(
          "table4-full",
          "Live units, full gating",
          curvesOf(trainings, Experiment.fullGating(budget)));
    }
    if (!block.isEmpty() || !unit.isEmpty()) {
      report.tradeOff(unit, block, smaller(trainings, tables, corpus, dense));
    }
    if (wants(Part.curves)) {
      curves(report, trainings);
    }
    if (wants(Part.recipes)) {
      List<Experiment> all = new ArrayList<>(Experiment.curves(curveBudget));
      all.removeIf(e -> e.name().startsWith("gru-reset-before"));
      all.addAll(Experiment.recipes(curveBudget));
      report.recipes(all, curvesOf(trainings, all));
    }
    return above;
  }

  private static List<Curve> curvesOf(Trainings trainings, List<Experiment> experiments)
      throws IOException {
    List<Curve> curves = new ArrayList<>();
    for (Experiment experiment : experiments) {
      curves.add(trainings.curve(experiment));
    }
    return curves;
  }

  private void curves(Report report, Trainings trainings) throws IOException {
    List<Curve> unit = new ArrayList<>();
    List<Curve> block = new ArrayList<>();
    List<Curve> reset = new ArrayList<>();
    for (Experiment experiment : Experiment.curves(curveBudget)) {
      Curve curve = trainings.curve(experiment);
      switch (experiment.recipe().network().cell()) {
        case UNIT -> unit.add(curve);
        case BLOCK -> block.add(curve);
        default -> reset.add(curve);
      }
    }
    unit.add(reset.getFirst());
    block.add(reset.getFirst());
    report.curves("curves-unit", "Unit gating, 27-256-256-27, rank 16", unit);
    report.curves("curves-block", "Block gating, 27-256-256-27, blocks of 16", block);
    report.curves("curves-reset", "Reset outside and inside the matrix, n = 256", reset);
  }

  /** The dense networks one could train instead, timed side by side. */
  private List<Report.Smaller> smaller(
      Trainings trainings, Tables tables, CharCorpus corpus, List<Experiment> dense)
      throws IOException {
    List<Plan> plans = new ArrayList<>();
    List<Double> bits = new ArrayList<>();
    List<Race.Contender> contenders = new ArrayList<>();
    byte[] read = corpus.test();
    Model largest = Model.load(trainings.model(dense.getFirst()));
    DenseGru fastest = tables.fastest(largest, 1, steps);
    int[] token = new int[1];
    int[] last = {0};
    contenders.add(count -> {
      for (int i = 0; i < count; i++) {
        token[0] = read[last[0]++ % read.length];
        fastest.step(token);
      }
    });
    for (Experiment experiment : dense) {
      Model model = Model.load(trainings.model(experiment));
      bits.add(tables.score(model).bits());
      Plan plan = Plan.compile(model);
      plan.warmUp();
      plans.add(plan);
      Session session = Session.open(plan);
      float[] out = new float[model.outputs()];
      int[] at = {0};
      contenders.add(count -> {
        for (int i = 0; i < count; i++) {
          session.step(read[at[0]++ % read.length], out);
        }
      });
    }
    List<Race.Time> times = Race.run(contenders, trials, steps);
    fastest.close();
    List<Report.Smaller> smaller = new ArrayList<>();
    for (int i = 0; i < dense.size(); i++) {
      double nanos = times.get(i + 1).median();
      smaller.add(
          new Report.Smaller(
              dense.get(i).recipe().network().units(),
              bits.get(i),
              nanos,
              times.getFirst().median() / nanos));
    }
    plans.forEach(Plan::close);
    return smaller;
  }
}
