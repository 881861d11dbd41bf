package io.github.stillgate.bench.paper;

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
 * Trains trainings one after the other into a folder: a checkpoint, a curve and, at the end, the
 * exported model of each. What is there already is not done again, so an interrupted run goes on
 * where it was.
 */
public final class Trainings {
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
  public Trainings(Path folder, CharCorpus corpus, int validationChars) {
    this.folder = folder;
    this.corpus = corpus;
    this.validation = Arrays.copyOf(corpus.validation(), validationChars);
  }

  /** Where the exported model of a training is, or will be. */
  public Path model(Training training) {
    return folder.resolve(training.name() + ".model.safetensors");
  }

  private Path checkpoint(Training training) {
    return folder.resolve(training.name() + ".checkpoint.safetensors");
  }

  private Path curveFile(Training training) {
    return folder.resolve(training.name() + ".curve.json");
  }

  /** The curve so far; empty if there is none. */
  public Curve curve(Training training) throws IOException {
    Path file = curveFile(training);
    return Files.exists(file)
        ? JSON.treeToValue(
            RunFile.read(file, "remove it and the checkpoint beside it to train again"),
            Curve.class)
        : new Curve(training.label(), List.of());
  }

  /** Trains what is not finished until {@code stop} says so. Returns whether all of it is. */
  public boolean run(List<? extends Training> trainings, BooleanSupplier stop) throws IOException {
    Files.createDirectories(folder);
    for (Training training : trainings) {
      if (stop.getAsBoolean() || !run(training, stop)) {
        return false;
      }
    }
    return true;
  }

  private boolean isFinished(Training training) throws IOException {
    List<Curve.Point> points = curve(training).points();
    int updates = training.recipe().schedule().updates();
    boolean exported = Files.exists(model(training)) || !CharTrainer.canExport(training.recipe());
    return exported && !points.isEmpty() && points.getLast().update() >= updates;
  }

  private boolean run(Training training, BooleanSupplier stop) throws IOException {
    if (isFinished(training)) {
      return true;
    }
    int updates = training.recipe().schedule().updates();
    int every = Math.max(1, updates / POINTS);
    try (CharTrainer trainer = new CharTrainer(training.recipe(), corpus);
        ProgressBar bar =
            new ProgressBarBuilder()
                .setTaskName(training.name())
                .setInitialMax(updates)
                .setStyle(ProgressBarStyle.ASCII)
                .setMaxRenderedLength(110)
                .build()) {
      trainer.resume(checkpoint(training));
      List<Curve.Point> points = new ArrayList<>(curve(training).points());
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
          trainer.save(checkpoint(training));
          write(training, points);
        }
      }
      trainer.save(checkpoint(training));
      if (!trainer.finished()) {
        return false;
      }
      trainer.settle();
      CharTrainer.Score score = trainer.evaluate(validation);
      // A curve may be lost where the checkpoint is not; its last point is made again.
      double last = points.isEmpty() ? Double.NaN : points.removeLast().training();
      points.add(new Curve.Point(trainer.updates(), last, score.bitsPerChar(), score.live()));
      write(training, points);
      if (CharTrainer.canExport(training.recipe())) {
        trainer.export().save(model(training));
      }
      return true;
    }
  }

  private void write(Training training, List<Curve.Point> points) throws IOException {
    Path file = curveFile(training);
    Path partial = file.resolveSibling(file.getFileName() + ".part");
    JSON.writeValue(partial.toFile(), new Curve(training.label(), points));
    Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
