package io.github.stillgate.training;

/**
 * How a character model is built and trained.
 *
 * <p>The defaults are those of section VI of the conditional GRU paper: Adam at 1e-3, 64 streams,
 * truncated back-propagation through 50 steps with the state carried over, and a state that is
 * reset every 1000 updates.
 *
 * @param dense trains an ordinary reset-after GRU instead of a conditional one
 * @param units units n of each recurrent layer
 * @param layers number of recurrent layers
 * @param rank width g of the gate's bottleneck; unused when dense
 * @param shift s of eq. 7, added to the normalised gate; more negative means more still units
 * @param batch streams trained side by side
 * @param steps characters per update and stream
 * @param updates updates in all
 * @param cooldown the last so many updates lower the learning rate to 0 along a cosine
 * @param learningRate Adam's step before the cooldown
 * @param clip the gradient's norm is scaled down to this
 * @param resetEvery updates between resets of the carried state
 * @param seed seed of the initial weights
 */
public record Recipe(
    boolean dense,
    int units,
    int layers,
    int rank,
    float shift,
    int batch,
    int steps,
    int updates,
    int cooldown,
    float learningRate,
    float clip,
    int resetEvery,
    long seed) {

  /** Checks every field. */
  public Recipe {
    require(units > 0 && layers > 0 && rank > 0, "units, layers and rank must be positive");
    require(batch > 1, "batch normalisation needs a batch of at least 2 streams");
    require(steps > 0 && updates > 0 && resetEvery > 0, "steps, updates, resetEvery: positive");
    require(cooldown >= 0 && cooldown <= updates, "cooldown must lie between 0 and updates");
    require(learningRate > 0 && clip > 0, "learningRate and clip must be positive");
    require(Float.isFinite(shift), "shift must be finite");
  }

  /** Learning rate of update {@code update}, counted from 0. */
  public float learningRateAt(int update) {
    int left = updates - update;
    if (left >= cooldown) {
      return learningRate;
    }
    return (float) (learningRate * 0.5 * (1 - Math.cos(Math.PI * left / cooldown)));
  }

  /** Whether a checkpoint of {@code other} can be continued under this recipe. */
  boolean continues(Recipe other) {
    return dense == other.dense
        && units == other.units
        && layers == other.layers
        && (dense || (rank == other.rank && shift == other.shift))
        && batch == other.batch;
  }

  private static void require(boolean holds, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(rule);
    }
  }
}
