package io.github.stillgate.training;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import io.github.stillgate.core.model.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Trains one character model and keeps what is needed to go on after an interruption.
 *
 * <p>Not safe for several threads; PyTorch uses its own inside an update.
 */
public final class CharTrainer implements AutoCloseable {
  /** What one update did; a gradient norm that is not finite means that nothing was changed. */
  public record Progress(int update, double bitsPerChar, double gradientNorm) {}

  /** What a validation found: bits per character and the live fraction of each layer. */
  public record Score(double bitsPerChar, float[] live) {}

  private static final double BITS_PER_NAT = 1 / Math.log(2);
  private static final int MOST_DROPPED = 20;

  /**
   * In the share of the population's statistics, when a training goes on under another schedule.
   */
  private static final float LARGEST_LEAP = 0.5f;

  /** A thousand steps leave less than a hundredth of the statistics of before. */
  private static final int SETTLING_WINDOWS = 20;

  private static final int EVALUATION_STREAMS = 50;
  private static final int EVALUATION_STEPS = 100;

  private final Engine engine;
  private final NDManager manager;
  private final Recipe recipe;
  private final CharNetwork network;
  private final Adam adam;
  private final Streams streams;
  private List<float[]> state;
  private int update;
  private int dropped;

  /**
   * A fresh network for {@code recipe}, to be trained on {@code corpus.train()}.
   *
   * @throws IllegalStateException if PyTorch's natives are not on the class path
   */
  public CharTrainer(Recipe recipe, CharCorpus corpus) {
    this.recipe = recipe;
    this.engine = Engine.getEngine("PyTorch");
    this.manager = engine.newBaseManager();
    this.network = new CharNetwork(manager, recipe);
    this.adam = new Adam(network.parameters.trainable());
    this.streams =
        new Streams(corpus.train(), recipe.schedule().batch(), recipe.schedule().steps());
    this.state = network.zeroState(recipe.schedule().batch());
  }

  /**
   * Continues from {@code checkpoint} if there is one.
   *
   * @throws IllegalArgumentException if another network was trained, or if the gates would leap
   *     from the statistics of the batch to the population's or back
   */
  public void resume(Path checkpoint) throws IOException {
    if (Files.exists(checkpoint)) {
      Checkpoint saved = Checkpoint.read(checkpoint);
      if (!recipe.continues(saved.recipe())) {
        throw new IllegalArgumentException(
            "%s was made by another recipe, %s; give another --checkpoint or remove it"
                .formatted(checkpoint, saved.recipe()));
      }
      float stood = saved.recipe().schedule().populationAt(saved.update());
      float stands = recipe.schedule().populationAt(saved.update());
      if (recipe.network().cell().isConditional() && Math.abs(stood - stands) > LARGEST_LEAP) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%s stands at update %d, where its gates were to take %.0f %% of the population's"
                    + " statistics, and now would take %.0f %%; give a --population that fits"
                    + " (it was trained with %d of %d updates)",
                checkpoint,
                saved.update(),
                100 * stood,
                100 * stands,
                saved.recipe().schedule().population(),
                saved.recipe().schedule().updates()));
      }
      network.parameters.forEach((name, array) -> saved.restore("network." + name, array));
      adam.first.forEach((name, array) -> saved.restore("adam.first." + name, array));
      adam.second.forEach((name, array) -> saved.restore("adam.second." + name, array));
      for (int i = 0; i < state.size(); i++) {
        state.set(i, saved.values("state." + i));
      }
      update = saved.update();
    }
  }

  /**
   * Starts a conditional network from an ordinary one of equal width: reset, candidate and output
   * weights are taken over, the gates begin anew. For a trainer that has done no update.
   *
   * @throws IllegalArgumentException if the model has other layers, widths or characters
   */
  public void startFrom(Model model) {
    if (update > 0) {
      throw new IllegalStateException(
          "training is under way: %d updates are done".formatted(update));
    }
    network.startFrom(model);
  }

  /** Writes all that {@link #resume} needs, atomically. */
  public void save(Path checkpoint) throws IOException {
    Checkpoint.Writer writer = new Checkpoint.Writer(recipe, update);
    network.parameters.forEach((name, array) -> writer.add("network." + name, array));
    adam.first.forEach((name, array) -> writer.add("adam.first." + name, array));
    adam.second.forEach((name, array) -> writer.add("adam.second." + name, array));
    for (int i = 0; i < state.size(); i++) {
      writer.add("state." + i, state.get(i));
    }
    writer.write(checkpoint);
  }

  /** Updates done so far. */
  public int updates() {
    return update;
  }

  /** Whether the recipe's updates are done. */
  public boolean finished() {
    return update >= recipe.schedule().updates();
  }

  /**
   * Runs one window forward and backward and applies its gradient. A window whose error or gradient
   * is not finite changes nothing.
   *
   * @throws IllegalStateException if that happens many times in a row
   */
  public Progress update() {
    if (update % recipe.schedule().resetEvery() == 0) {
      state = network.zeroState(recipe.schedule().batch());
    }
    if (recipe.schedule().populationAt(update) > 0) {
      beginAnew(update % recipe.schedule().batch());
    }
    network.beginUpdate(update);
    List<float[]> stateBefore = new ArrayList<>(state);
    Map<String, float[]> statisticsBefore = network.parameters.copyStatistics();
    double nats;
    try (NDManager window = manager.newSubManager();
        GradientCollector gradients = engine.newGradientCollector()) {
      NDArray loss =
          network.loss(window, streams.inputs(update), streams.targets(update), state, true, null);
      gradients.backward(network.withPenalties(loss));
      nats = loss.getFloat();
    }
    double norm =
        adam.update(update, recipe.schedule().learningRateAt(update), recipe.schedule().clip());
    if (!Double.isFinite(nats) || !Double.isFinite(norm)) {
      state = stateBefore;
      network.parameters.restoreStatistics(statisticsBefore);
    }
    dropped = Double.isFinite(norm) ? 0 : dropped + 1;
    if (dropped > MOST_DROPPED) {
      throw new IllegalStateException(
          "update %d: the gradient was not finite %d times in a row; lower --learning-rate or --clip"
                  .formatted(update, dropped)
              + " and continue from the checkpoint");
    }
    update++;
    return new Progress(update, nats * BITS_PER_NAT, norm);
  }

  /**
   * Lets one stream begin anew. With the statistics of the population a state can be one that
   * closes every gate and never changes again, and zero, where every session begins, is the
   * likeliest: hybrid gating at n = 256, s = -0.25, 600 updates scored 3.1 bits in training and 4.7
   * from zero. Streams that stand still pull the mean of their gates down until these open again.
   */
  private void beginAnew(int stream) {
    for (int i = 0; i < state.size(); i++) {
      float[] values = state.get(i).clone();
      int width = recipe.network().stateWidth();
      Arrays.fill(values, stream * width, (stream + 1) * width, 0);
      state.set(i, values);
    }
  }

  /**
   * Runs some windows of the training text forward, so that the population statistics become those
   * of the weights as they are now. For a training that is done: it changes no weight, but a recipe
   * with a population would go on from these statistics.
   */
  public void settle() {
    List<float[]> settled = new ArrayList<>(state);
    network.beginUpdate(update);
    for (int w = 0; w < SETTLING_WINDOWS; w++) {
      try (NDManager window = manager.newSubManager()) {
        int at = update + w;
        network.loss(window, streams.inputs(at), streams.targets(at), settled, true, null);
        // Takes what the layers have gathered for their penalties.
        network.withPenalties(window.create(0f));
      }
    }
  }

  /**
   * Bits per character of {@code text} with population statistics, read as 50 parallel streams that
   * start from zero; a text too short for 50 streams of 100 steps is read as fewer.
   *
   * @throws IllegalArgumentException if it has fewer than two characters
   */
  public Score evaluate(byte[] text) {
    int steps = Math.clamp(text.length - 1, 1, EVALUATION_STEPS);
    int parallel = Math.clamp((text.length - 1) / steps, 1, EVALUATION_STREAMS);
    Streams windows = new Streams(text, parallel, steps);
    List<float[]> evaluated = network.zeroState(parallel);
    float[] live = new float[recipe.network().layers()];
    float[] sum = new float[recipe.network().layers()];
    double nats = 0;
    for (int w = 0; w < windows.windows(); w++) {
      try (NDManager window = manager.newSubManager()) {
        nats +=
            network
                .loss(window, windows.inputs(w), windows.targets(w), evaluated, false, live)
                .getFloat();
      }
      for (int i = 0; i < sum.length; i++) {
        sum[i] += live[i] / windows.windows();
      }
    }
    return new Score(nats / windows.windows() * BITS_PER_NAT, sum);
  }

  /** Whether a network of {@code recipe} can be exported: all but one kept for comparison. */
  public static boolean canExport(Recipe recipe) {
    return recipe.network().cell() != Recipe.Cell.GRU_RESET_BEFORE;
  }

  /** The network for one stream, normalisation folded in; see {@link #evaluate} for its score. */
  public Model export() {
    return network.export();
  }

  @Override
  public void close() {
    manager.close();
  }
}
