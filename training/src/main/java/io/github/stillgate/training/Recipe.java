package io.github.stillgate.training;

/**
 * How a character model is built and trained.
 *
 * @param network what is trained
 * @param shift how many gates are to close; of no account where there are none
 * @param schedule how it is trained
 */
public record Recipe(Network network, Shift shift, Schedule schedule) {
  /** The recurrent layers that can be trained. */
  public enum Cell {
    /** An ordinary GRU, the reset after the matrix (eq. 5). */
    GRU,
    /** An ordinary GRU, the reset before the matrix (eq. 3). It is trained and scored only. */
    GRU_RESET_BEFORE,
    /** An LSTM with a forget gate. */
    LSTM,
    /** A simple recurrent unit, the first layer's highway through a matrix. */
    SRU,
    /** Conditional, with full gating. */
    FULL,
    /** Conditional, with unit gating. */
    UNIT,
    /** Conditional, with block gating. */
    BLOCK,
    /** Conditional, with hybrid gating. */
    HYBRID;

    /** Whether it has gates that can close. */
    public boolean isConditional() {
      return switch (this) {
        case GRU, GRU_RESET_BEFORE, LSTM, SRU -> false;
        case FULL, UNIT, BLOCK, HYBRID -> true;
      };
    }
  }

  /**
   * The layers.
   *
   * @param cell what they are made of
   * @param units units n of each
   * @param layers how many
   * @param rank width g of the gates' bottleneck; the number of blocks in block and hybrid gating
   */
  public record Network(Cell cell, int units, int layers, int rank) {
    /** Checks every field. */
    public Network {
      require(units > 0 && layers > 0 && rank > 0, "units, layers and rank must be positive");
      require(
          (cell != Cell.BLOCK && cell != Cell.HYBRID) || units % rank == 0,
          "%d units cannot be cut into %d equal blocks".formatted(units, rank));
    }

    /** How many values a stream carries from step to step in each layer: an LSTM h and c. */
    int stateWidth() {
      return cell == Cell.LSTM ? 2 * units : units;
    }
  }

  /**
   * What is added to the normalised gate (s of eq. 7), and how it gets there.
   *
   * @param value s; more negative means more still units. Where s is learned it begins here
   * @param annealing s falls from 0 to its value over so many updates; 0 for at once
   * @param targetLive if above 0, each unit or block learns an s of its own under a penalty that
   *     draws the live fraction to this
   * @param penalty weight of {@code (live - target)^2} in nats
   * @param batchNorm if true, each unit or block learns an s of its own and a scale that begins at
   *     1, as ordinary batch norm has them; nothing but the errors draws the live fraction anywhere
   */
  public record Shift(
      float value, int annealing, float targetLive, float penalty, boolean batchNorm) {
    /** Checks every field. */
    public Shift {
      require(Float.isFinite(value), "the shift must be finite");
      require(annealing >= 0, "annealing must not be negative");
      require(targetLive >= 0 && targetLive < 1, "the target live fraction must be below 1");
      require(penalty >= 0, "the penalty must not be negative");
      require(
          !batchNorm || (annealing == 0 && targetLive == 0),
          "ordinary batch norm learns its shift: it is neither annealed nor drawn to a target");
    }

    /** The paper's: s from the first update on. */
    public static Shift constant(float value) {
      return new Shift(value, 0, 0, 0, false);
    }

    /** s falls from 0 to {@code value} over {@code updates} updates. */
    public static Shift annealed(float value, int updates) {
      return new Shift(value, updates, 0, 0, false);
    }

    /** A learned s for each unit or block, drawn to {@code live}. */
    public static Shift learned(float live) {
      return new Shift(0, 0, live, 5, false);
    }

    /**
     * Ordinary batch norm, the other of the "two batch normalization approaches" of eq. 9: a scale
     * that begins at 1 and a shift that begins at {@code value}, both learned.
     */
    public static Shift batchNorm(float value) {
      return new Shift(value, 0, 0, 0, true);
    }

    /** Whether each unit or block learns its own. */
    public boolean learns() {
      return batchNorm || hasTarget();
    }

    /** Whether a penalty draws the live fraction to a target. */
    public boolean hasTarget() {
      return targetLive > 0;
    }

    /** s in update {@code update}, counted from 0, if it is not learned. */
    float at(int update) {
      return update >= annealing ? value : value * update / annealing;
    }
  }

  /**
   * The optimisation; the defaults of the command are those of section VI of the conditional GRU
   * paper.
   *
   * @param batch streams trained side by side
   * @param steps characters per update and stream
   * @param updates updates in all
   * @param cooldown the last so many updates lower the learning rate to 0 along a cosine
   * @param population in the first half of the last so many updates the gates go over from the
   *     statistics of the batch to those of the population, as the exported network has them, and
   *     stay there; meanwhile one stream an update begins anew at zero. 0 for never
   * @param learningRate Adam's step before the cooldown
   * @param clip the gradient's norm is scaled down to this
   * @param resetEvery updates between resets of the carried state
   * @param seed seed of the initial weights
   */
  public record Schedule(
      int batch,
      int steps,
      int updates,
      int cooldown,
      int population,
      float learningRate,
      float clip,
      int resetEvery,
      long seed) {
    /** Checks every field. */
    public Schedule {
      require(batch > 1, "batch normalisation needs a batch of at least 2 streams");
      require(steps > 0 && updates > 0 && resetEvery > 0, "steps, updates, resetEvery: positive");
      require(cooldown >= 0 && cooldown <= updates, "cooldown must lie between 0 and updates");
      require(
          population >= 0 && population <= updates, "population must lie between 0 and updates");
      require(learningRate > 0 && clip > 0, "learningRate and clip must be positive");
    }

    /** The paper's: Adam at 1e-3, 64 streams, 50 steps, the state reset every 1000 updates. */
    public static Schedule paper(int updates) {
      return new Schedule(64, 50, updates, 0, 0, 1e-3f, 1, 1000, 1);
    }

    /** This schedule with another {@link #population}. */
    public Schedule withPopulation(int population) {
      return new Schedule(
          batch, steps, updates, cooldown, population, learningRate, clip, resetEvery, seed);
    }

    /** Learning rate of update {@code update}, counted from 0. */
    public float learningRateAt(int update) {
      int left = updates - update;
      if (left >= cooldown) {
        return learningRate;
      }
      return (float) (learningRate * 0.5 * (1 - Math.cos(Math.PI * left / cooldown)));
    }

    /**
     * Share of the population's statistics in the gates of update {@code update}, counted from 0:
     * it grows from 0 to 1 over the first half of the last {@code population} updates.
     */
    float populationAt(int update) {
      int since = update - (updates - population);
      if (population == 0 || since < 0) {
        return 0;
      }
      return Math.min(1, 2 * (since + 1f) / population);
    }
  }

  /** Whether a checkpoint of {@code other} can be continued under this recipe. */
  boolean continues(Recipe other) {
    return network.equals(other.network)
        && (!network.cell.isConditional() || shift.equals(other.shift))
        && schedule.batch == other.schedule.batch;
  }

  private static void require(boolean holds, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(rule);
    }
  }
}
