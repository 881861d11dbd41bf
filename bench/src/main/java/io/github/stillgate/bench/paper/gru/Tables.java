package io.github.stillgate.bench.paper.gru;

import io.github.stillgate.bench.paper.Race;
import io.github.stillgate.bench.paper.Trainings;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Recipe;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Measures the cells of tables II and IV on real held-out text: each network with and without
 * skipping and the fastest full GRU of equal size, in the same trials.
 */
final class Tables {
  /**
   * Rows: s = 0, -0.25, -0.5, -0.75; columns: gating dimension 64, 32, 16 (blocks of 16, 32, 64).
   */
  private static final double[][] TABLE_2 = {
    {0.73, 1.06, 1.20}, {1.88, 1.72, 1.68}, {1.72, 1.62, 1.68}, {1.57, 1.62, 1.95}
  };

  /** Rows as above; columns: rank 64, 32, 16, the paper's order turned round. */
  private static final double[][] TABLE_4 = {
    {1.43, 1.38, 1.55}, {1.63, 1.67, 1.87}, {1.99, 1.66, 1.86}, {2.29, 2.18, 2.55}
  };

  private static final int STREAMS = 64;

  private final Trainings trainings;
  private final CharCorpus corpus;
  private final int trials;
  private final int steps;
  private final int batchSteps;
  private final int scoredChars;
  private final PrintStream progress;

  /**
   * @param trials trials of each cell
   * @param steps steps of a trial of one stream
   * @param batchSteps steps of a trial of 64 streams
   * @param scoredChars characters of the test text that are scored
   */
  Tables(
      Trainings trainings,
      CharCorpus corpus,
      int trials,
      int steps,
      int batchSteps,
      int scoredChars,
      PrintStream progress) {
    this.trainings = trainings;
    this.corpus = corpus;
    this.trials = trials;
    this.steps = steps;
    this.batchSteps = batchSteps;
    this.scoredChars = Math.min(scoredChars, corpus.test().length);
    this.progress = progress;
  }

  /** The paper's factor of a cell; null for full gating, which it did not measure. */
  static @Nullable Double paperFactor(Recipe.Cell cell, int gates, float shift) {
    if (cell == Recipe.Cell.FULL) {
      return null;
    }
    int row =
        IntStream.range(0, 4).filter(i -> Experiment.SHIFTS[i] == shift).findFirst().orElseThrow();
    int column =
        IntStream.range(0, 3).filter(i -> Experiment.GATES[i] == gates).findFirst().orElseThrow();
    return (cell == Recipe.Cell.BLOCK ? TABLE_2 : TABLE_4)[row][column];
  }

  /** Measures every cell whose network and twin are trained. */
  List<TableRow> measure(List<Experiment> cells, Experiment twin) throws IOException {
    Model gru = Model.load(trainings.model(twin));
    double twinBits = score(gru).bits();
    List<TableRow> rows = new ArrayList<>();
    try (DenseGru single = fastest(gru, 1, steps);
        DenseGru many = needsBatch(cells) ? fastest(gru, STREAMS, batchSteps) : null) {
      for (Experiment cell : cells) {
        Recipe.Network network = cell.recipe().network();
        Model model = Model.load(trainings.model(cell));
        Score score = score(model);
        TableRow.Speed one = single(model, gru, single);
        TableRow.Speed batch = many == null ? null : batch(model, gru, many);
        rows.add(
            new TableRow(
                cell.name(),
                network.cell().name().toLowerCase(Locale.ROOT),
                network.rank(),
                cell.recipe().shift().value(),
                paperFactor(network.cell(), network.rank(), cell.recipe().shift().value()),
                cell.recipe().schedule().updates(),
                score.live(),
                score.bits(),
                twinBits,
                one,
                batch));
        progress.printf(
            "%s: %.2fx of bound %.2f%s%s%n",
            cell.name(),
            one.factor(),
            one.bound(),
            batch == null
                ? ""
                : "; 64 streams %.2fx of %.2f".formatted(batch.factor(), batch.bound()),
            rows.getLast().paper() == null
                ? ""
                : ", paper %.2fx".formatted(rows.getLast().paper()));
      }
    }
    return rows;
  }

  private static boolean needsBatch(List<Experiment> cells) {
    return cells.stream().anyMatch(c -> c.recipe().network().cell() == Recipe.Cell.BLOCK);
  }

  /** Bits per character and live fractions of one stream from zero state. */
  record Score(double bits, double[] live) {}

  Score score(Model model) {
    byte[] text = corpus.test();
    float[] out = new float[model.outputs()];
    double nats = 0;
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      for (int i = 0; i + 1 < scoredChars; i++) {
        session.step(text[i], out);
        nats -= Math.log(out[text[i + 1]]);
      }
      StepStats stats = session.stats();
      double[] live =
          IntStream.range(0, stats.layers())
              .filter(layer -> stats.units(layer) > 0)
              .mapToDouble(stats::liveFraction)
              .toArray();
      return new Score(nats / Math.log(2) / (scoredChars - 1), live);
    }
  }

  /**
   * The fastest implementation of a full GRU, found in three short trials; the others are closed.
   */
  DenseGru fastest(Model gru, int streams, int trialSteps) {
    List<DenseGru> all = DenseGru.all(gru, streams);
    int[] tokens = new int[streams];
    List<Race.Contender> contenders = new ArrayList<>();
    for (DenseGru dense : all) {
      contenders.add(count -> {
        for (int i = 0; i < count; i++) {
          tokensAt(i, tokens);
          dense.step(tokens);
        }
      });
    }
    List<Race.Time> times = Race.run(contenders, 3, Math.max(20, trialSteps / 5));
    for (int i = 0; i < all.size(); i++) {
      progress.printf(
          "full GRU, %d stream%s: %s %.1f us%n",
          streams, streams == 1 ? "" : "s", all.get(i).name(), times.get(i).median() / 1e3);
    }
    int best =
        IntStream.range(0, all.size())
            .boxed()
            .min(Comparator.comparingDouble(i -> times.get(i).median()))
            .orElseThrow();
    for (int i = 0; i < all.size(); i++) {
      if (i != best) {
        all.get(i).close();
      }
    }
    return all.get(best);
  }

  /** Stream s reads the test text from its own place on. */
  private void tokensAt(int step, int[] tokens) {
    byte[] text = corpus.test();
    int apart = text.length / tokens.length;
    for (int s = 0; s < tokens.length; s++) {
      tokens[s] = text[(s * apart + step) % text.length];
    }
  }

  private TableRow.Speed single(Model model, Model gru, DenseGru dense) {
    PlanOptions options = PlanOptions.defaults();
    try (Plan skipping = Plan.compile(model, options);
        Plan unskipped = Plan.compile(model, options.withSkipping(Skipping.NOTHING));
        Plan full = Plan.compile(gru, options);
        Session live = Session.open(skipping);
        Session all = Session.open(unskipped)) {
      skipping.warmUp();
      unskipped.warmUp();
      float[] out = new float[model.outputs()];
      int[] token = new int[1];
      byte[] text = corpus.test();
      List<Race.Time> times =
          Race.run(
              List.of(
                  new Reader(text, t -> live.step(t, out)),
                  new Reader(text, t -> all.step(t, out)),
                  new Reader(
                      text,
                      t -> {
                        token[0] = t;
                        dense.step(token);
                      })),
              trials,
              steps);
      double read = (double) live.stats().totalBytesRead() / live.stats().steps();
      return speed(
          times,
          dense.name(),
          full.denseBytesPerStep() / read,
          skipping.denseBytesPerStep() / read);
    }
  }

  private TableRow.Speed batch(Model model, Model gru, DenseGru dense) {
    PlanOptions options = PlanOptions.defaults();
    try (Plan skipping = Plan.compile(model, options);
        Plan unskipped = Plan.compile(model, options.withSkipping(Skipping.NOTHING));
        Plan full = Plan.compile(gru, options);
        BatchSession live = BatchSession.open(skipping, STREAMS);
        BatchSession all = BatchSession.open(unskipped, STREAMS)) {
      BatchReader liveReader = new BatchReader(live);
      int[] tokens = new int[STREAMS];
      int[] at = {0};
      List<Race.Time> times =
          Race.run(
              List.of(
                  liveReader,
                  new BatchReader(all),
                  count -> {
                    for (int i = 0; i < count; i++) {
                      tokensAt(at[0]++, tokens);
                      dense.step(tokens);
                    }
                  }),
              trials,
              batchSteps);
      double read = 0;
      for (BatchSession.Stream stream : liveReader.streams) {
        read += (double) stream.stats().totalBytesRead() / stream.stats().steps() / STREAMS;
      }
      return speed(
          times,
          dense.name(),
          full.denseBytesPerStep() / read,
          skipping.denseBytesPerStep() / read);
    }
  }

  private static TableRow.Speed speed(
      List<Race.Time> times, String dense, double bound, double sameBound) {
    Race.Time live = times.get(0);
    Race.Time same = times.get(1);
    Race.Time full = times.get(2);
    return new TableRow.Speed(
        live.median(),
        live.low(),
        live.high(),
        dense,
        full.median(),
        full.median() / live.median(),
        bound,
        same.median(),
        same.median() / live.median(),
        sameBound);
  }

  private interface TokenStep {
    void step(int token);
  }

  /** Reads the test text on and on. */
  private static final class Reader implements Race.Contender {
    private final byte[] text;
    private final TokenStep step;
    private int at;

    Reader(byte[] text, TokenStep step) {
      this.text = text;
      this.step = step;
    }

    @Override
    public void run(int count) {
      for (int i = 0; i < count; i++) {
        step.step(text[at++ % text.length]);
      }
    }
  }

  private final class BatchReader implements Race.Contender {
    private final BatchSession batch;
    private final List<BatchSession.Stream> streams = new ArrayList<>();
    private final int[] tokens = new int[STREAMS];
    private int at;

    BatchReader(BatchSession batch) {
      this.batch = batch;
      for (int s = 0; s < STREAMS; s++) {
        streams.add(batch.join());
      }
    }

    @Override
    public void run(int count) {
      for (int i = 0; i < count; i++) {
        tokensAt(at++, tokens);
        for (int s = 0; s < STREAMS; s++) {
          streams.get(s).feed(tokens[s]);
        }
        batch.step();
      }
    }
  }
}
