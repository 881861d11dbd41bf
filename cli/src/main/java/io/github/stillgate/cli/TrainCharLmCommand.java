package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.CharTrainer;
import io.github.stillgate.training.Interruption;
import io.github.stillgate.training.Recipe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "char-lm",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Trains a character model on a text, which is read as a-z and space: capitals become small, all"
          + " else becomes a space. Optimiser and schedule are those of the"
          + " conditional GRU paper (Davis and Arel, 2016, section VI); how its gates learn to close is"
          + " --recipe, of which the paper's is one.",
      "",
      "Interrupt it at any time: it saves a checkpoint, and the same command goes on from there."
          + " When the updates are done it writes the model, normalisation folded in, and scores it on"
          + " the validation and test parts.",
      ""
    },
    footer = {
      "",
      "Example: ./stillgate train char-lm --text text8 --units 256 --out my.safetensors",
      "The same with --cell gru trains an ordinary GRU of equal size for comparison, with --cell lstm"
          + " an LSTM, with --cell sru an SRU."
    })
final class TrainCharLmCommand implements Callable<Integer> {
  private static final int TRAIN_CHARS = 11_500_000;
  private static final int VALIDATION_CHARS = 500_000;

  @Option(names = "--text", required = true, paramLabel = "FILE", description = "the corpus")
  private Path text;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "the model to write")
  private Path out;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      defaultValue = "checkpoints/char-lm.safetensors",
      description = "where to save and resume")
  private Path checkpoint;

  @Option(
      names = "--train-chars",
      paramLabel = "N",
      description =
          "the first characters, to train on; if not given 11500000 where the text has 500000 more,"
              + " else nine tenths of it")
  private @Nullable Integer trainChars;

  @Option(
      names = "--validation-chars",
      paramLabel = "N",
      description =
          "the next ones, to validate on, if not given half of what is left and 500000 at most; the"
              + " rest is the test part")
  private @Nullable Integer validationChars;

  /** What the layers are made of. */
  enum Cell {
    conditional,
    gru,
    lstm,
    sru
  }

  @Option(
      names = "--cell",
      paramLabel = "CELL",
      description =
          "${COMPLETION-CANDIDATES}: a conditional GRU (if not given), an ordinary GRU, an LSTM,"
              + " or the simple recurrent unit of Lei et al. (2018)")
  private @Nullable Cell givenCell;

  @Option(names = "--dense", description = "the same as --cell gru, for comparison at equal size")
  private boolean dense;

  @CommandLine.Mixin private GateOptions gates;

  @Option(names = "--units", defaultValue = "256", description = "units of each recurrent layer")
  private int units;

  @Option(names = "--layers", defaultValue = "2", description = "recurrent layers")
  private int layers;

  @Option(names = "--batch", defaultValue = "64", description = "streams trained side by side")
  private int batch;

  @Option(names = "--steps", defaultValue = "50", description = "characters an update and stream")
  private int steps;

  @Option(names = "--updates", defaultValue = "20000", description = "updates in all")
  private int updates;

  @Option(
      names = "--cooldown",
      defaultValue = "0",
      description = "the last so many updates lower the learning rate to 0")
  private int cooldown;

  @Option(names = "--learning-rate", defaultValue = "0.001", description = "Adam's step")
  private float learningRate;

  @Option(names = "--clip", defaultValue = "1", description = "largest norm of a gradient")
  private float clip;

  @Option(
      names = "--reset-every",
      defaultValue = "1000",
      description = "updates between resets of the state")
  private int resetEvery;

  @Option(names = "--seed", defaultValue = "1", description = "seed of the initial weights")
  private long seed;

  @Option(
      names = "--validate-every",
      defaultValue = "2000",
      description = "updates between validations")
  private int validateEvery;

  @Option(names = "--save-every", defaultValue = "500", description = "updates between checkpoints")
  private int saveEvery;

  @Option(
      names = "--init",
      paramLabel = "MODEL",
      description =
          "start from the reset, candidate and output weights of an ordinary GRU of equal width, for"
              + " example one trained with --dense; once a checkpoint is there it goes on from that")
  private @Nullable Path init;

  @Option(names = "--json", description = "print the result as one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (cell() != Cell.conditional && init != null) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "--init turns a GRU into a conditional network; %s trains another"
              .formatted(cellOption()));
    }
    WrittenFile.requireOther("--out", out, text);
    Recipe recipe = recipe();
    CharCorpus corpus = corpus();
    try (Interruption interruption = Interruption.listen();
        CharTrainer trainer = new CharTrainer(recipe, corpus)) {
      trainer.resume(checkpoint);
      if (init != null && trainer.updates() == 0) {
        RegularFile.require(init);
        trainer.startFrom(Model.load(init));
      }
      train(trainer, corpus, interruption);
      if (interruption.isAsked()) {
        spec.commandLine()
            .getErr()
            .printf(
                Locale.ROOT,
                "%ninterrupted after %d updates, saved in %s; the same command goes on%n",
                trainer.updates(),
                checkpoint);
        return 130;
      }
      trainer.settle();
      trainer.export().save(out);
      TrainResult.of(trainer, corpus, out).print(new Output(spec.commandLine().getOut()), json);
      return 0;
    }
  }

  /**
   * The text as the network reads it, cut into its parts; says how much of it was mapped.
   *
   * @throws IllegalArgumentException if it is too short for the options
   */
  CharCorpus corpus() throws IOException {
    int[] tokens;
    long mapped;
    try (TokenReader reader =
        TokenReader.open(text, new Vocabulary(CharCorpus.VOCABULARY), Long.MAX_VALUE, false)) {
      tokens = reader.rest();
      mapped = reader.mapped();
    }
    int train =
        trainChars != null
            ? trainChars
            : tokens.length - TRAIN_CHARS >= VALIDATION_CHARS
                ? TRAIN_CHARS
                : (int) (0.9 * tokens.length);
    int validation =
        validationChars != null
            ? validationChars
            : Math.clamp((tokens.length - train) / 2, 2, VALIDATION_CHARS);
    if (train - 1 < (long) batch * steps) {
      throw new IllegalArgumentException(
          ("%s: %s characters to train on are too few for %s streams of %s steps; give a longer text, or"
                  + " a smaller --batch or --steps")
              .formatted(text, train, batch, steps));
    }
    CharCorpus corpus;
    try {
      corpus = CharCorpus.cut(tokens, train, validation);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(text + ": " + e.getMessage(), e);
    }
    if (!json) {
      new Output(spec.commandLine().getOut())
          .line(
              "%s: %s characters, %s of them mapped to a-z and space; %s to train on, %s to validate"
                  + " on, %s to test on",
              text,
              Output.number(tokens.length, 0),
              Output.number(mapped, 0),
              Output.number(train, 0),
              Output.number(validation, 0),
              Output.number(tokens.length - train - validation, 0));
    }
    return corpus;
  }

  /** What the options say, or a complaint that names the one that does not fit. */
  Recipe recipe() {
    Cell cell = cell();
    if (cell != Cell.conditional && gates.anyGiven()) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "%s has no gates for --live, --shift, --anneal or --population to work on"
              .formatted(cellOption()));
    }
    Recipe.Cell layer =
        switch (cell) {
          case conditional -> gates.cell();
          case gru -> Recipe.Cell.GRU;
          case lstm -> Recipe.Cell.LSTM;
          case sru -> Recipe.Cell.SRU;
        };
    return new Recipe(
        new Recipe.Network(layer, units, layers, gates.rank()),
        cell == Cell.conditional ? gates.shift(updates) : Recipe.Shift.constant(0),
        new Recipe.Schedule(
            batch,
            steps,
            updates,
            cooldown,
            cell == Cell.conditional ? gates.population(updates) : 0,
            learningRate,
            clip,
            resetEvery,
            seed));
  }

  private Cell cell() {
    if (dense && givenCell != null && givenCell != Cell.gru) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--dense is --cell gru; give one of --dense and --cell " + givenCell);
    }
    return dense ? Cell.gru : givenCell == null ? Cell.conditional : givenCell;
  }

  /** How the cell was asked for. */
  private String cellOption() {
    return dense ? "--dense" : "--cell " + cell();
  }

  private void train(CharTrainer trainer, CharCorpus corpus, Interruption interruption)
      throws IOException {
    try (Progress bar = Progress.of("training", updates, !json)) {
      bar.at(trainer.updates());
      String validation = "";
      double smooth = 0;
      while (!trainer.finished() && !interruption.isAsked()) {
        CharTrainer.Progress progress = trainer.update();
        smooth =
            smooth == 0 ? progress.bitsPerChar() : 0.98 * smooth + 0.02 * progress.bitsPerChar();
        if (progress.update() % validateEvery == 0) {
          CharTrainer.Score score = trainer.evaluate(corpus.validation());
          validation =
              String.format(
                  Locale.ROOT,
                  ", valid %.3f, live %s",
                  score.bitsPerChar(),
                  Output.percent(meanLive(score)));
        }
        if (progress.update() % saveEvery == 0) {
          trainer.save(checkpoint);
        }
        bar.say(String.format(Locale.ROOT, "%.3f bpc%s", smooth, validation));
        bar.at(progress.update());
      }
    }
    trainer.save(checkpoint);
  }

  private static double meanLive(CharTrainer.Score score) {
    double sum = 0;
    for (float fraction : score.live()) {
      sum += fraction;
    }
    return sum / score.live().length;
  }
}
