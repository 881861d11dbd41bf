package io.github.stillgate.bench.paper.gru;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.CharTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Trains experiments one after the other into a folder: a checkpoint, a curve and, at the end, the
 * exported model of each. What is there already is not done again, so an interrupted run goes on
 * where it was.
 */
final class Trainings {
  /** Validations of one training, whatever its length. */
  private static final int POINTS = 20;

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path folder;
  private final CharCorpus corpus;
  private final byte[] validation;

  /**
   * @param folder where everything is kept
   * @param validationChars how much of the validation text each point of a curve reads
   */
  Trainings(Path folder, CharCorpus corpus, int validationChars) {
    this.folder = folder;
    this.corpus = corpus;
    this.validation = Arrays.copyOf(corpus.validation(), validationChars);
  }

  /** Where the exported model of an experiment is, or will be. */
  Path model(Experiment experiment) {
    return folder.resolve(experiment.name() + ".model.safetensors");
  }

  private Path checkpoint(Experiment experiment) {
    return folder.resolve(experiment.name() + ".checkpoint.safetensors");
  }

  private Path curveFile(Experiment experiment) {
    return folder.resolve(experiment.name() + ".curve.json");
  }

  /** The curve so far; empty if there is none. */
  Curve curve(Experiment experiment) throws IOException {
    Path file = curveFile(experiment);
    return Files.exists(file)
        ? JSON.readValue(file.toFile(), Curve.class)
        : new Curve(experiment.label(), List.of());
  }

  /** Trains what is not finished until {@code stop} says so. Returns whether all of it is. */
  boolean run(List<Experiment> experiments, BooleanSupplier stop) throws IOException {
    Files.createDirectories(folder);
    for (Experiment experiment : experiments) {
      if (stop.getAsBoolean() || !run(experiment, stop)) {
        return false;
      }
    }
    return true;
  }

  private boolean isFinished(Experiment experiment) throws IOException {
    List<Curve.Point> points = curve(experiment).points();
    int updates = experiment.recipe().schedule().updates();
    boolean exported =
        Files.exists(model(experiment)) || !CharTrainer.canExport(experiment.recipe());
    return exported && !points.isEmpty() && points.getLast().update() >= updates;
  }

  private boolean run(Experiment experiment, BooleanSupplier stop) throws IOException {
    if (isFinished(experiment)) {
      return true;
    }
    int updates = experiment.recipe().schedule().updates();
    int every = Math.max(1, updates / POINTS);
    try (CharTrainer trainer = new CharTrainer(experiment.recipe(), corpus);
        ProgressBar bar =
            new ProgressBarBuilder()
                .setTaskName(experiment.name())
                .setInitialMax(updates)
                .setStyle(ProgressBarStyle.ASCII)
                .setMaxRenderedLength(110)
                .build()) {
      trainer.resume(checkpoint(experiment));
      List<Curve.Point> points = new ArrayList<>(curve(experiment).points());
      points.removeIf(point -> point.update() > trainer.updates());
      double sum = 0;
      int summed = 0;
      while (!trainer.finished() && !stop.getAsBoolean()) {
        CharTrainer.Progress progress = trainer.update();
        sum += progress.bitsPerChar();
        summed++;
        bar.stepTo(progress.update());
        bar.setExtraMessage(String.format(Locale.ROOT, "%.3f bpc", sum / summed));
        if (progress.update() % every == 0 || trainer.finished()) {
          CharTrainer.Score score = trainer.evaluate(validation);
          points.add(
              new Curve.Point(progress.update(), sum / summed, score.bitsPerChar(), score.live()));
          sum = 0;
          summed = 0;
          trainer.save(checkpoint(experiment));
          write(experiment, points);
        }
      }
      trainer.save(checkpoint(experiment));
      if (!trainer.finished()) {
        return false;
      }
      trainer.settle();
      CharTrainer.Score score = trainer.evaluate(validation);
      // A curve may be lost where the checkpoint is not; its last point is made again.
      double training = points.isEmpty() ? Double.NaN : points.removeLast().training();
      points.add(new Curve.Point(trainer.updates(), training, score.bitsPerChar(), score.live()));
      write(experiment, points);
      if (CharTrainer.canExport(experiment.recipe())) {
        trainer.export().save(model(experiment));
      }
      return true;
    }
  }

  private void write(Experiment experiment, List<Curve.Point> points) throws IOException {
    Path file = curveFile(experiment);
    Path partial = file.resolveSibling(file.getFileName() + ".part");
    JSON.writeValue(partial.toFile(), new Curve(experiment.label(), points));
    Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
