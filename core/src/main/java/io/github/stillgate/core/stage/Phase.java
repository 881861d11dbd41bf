package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Product;
import java.lang.foreign.SegmentAllocator;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A part of a stage's step on one stream: some groups of a product are multiplied, then an
 * elementwise end turns the sums into what the next phase, or the next stage, reads. A phase
 * without a product is its end alone. Streams of a batch go through a phase together, so that they
 * can share the multiplication.
 *
 * <p>Not safe for several threads; workers of a {@link Team} share its multiplication, if it is
 * large, while the stream's thread is in {@link #run}.
 */
public final class Phase implements Split.Work {
  private final @Nullable Product product;
  private final @Nullable ActiveSet fixed;
  private final @Nullable Supplier<ActiveSet> live;
  private final Runnable end;
  private @Nullable Whole whole;
  private @Nullable Split split;
  private @Nullable ActiveSet multiplied;
  private long bytesRead;

  /** What multiplies by products of its own within the end of a phase. */
  interface Whole extends Runnable {
    /** Weight bytes that the last step read. */
    long bytesRead();

    /** Values beyond the scale of their operand in the last step. */
    int clampedValues();

    /** Values that moved in the last step, of those whose sums are kept: none if none are. */
    default int movedValues() {
      return 0;
    }

    /** How many values had their sums kept in the last step. */
    default int keptValues() {
      return 0;
    }

    /** Values that were held back in the last step because too many moved. */
    default int valuesHeldBack() {
      return 0;
    }
  }

  private Phase(
      @Nullable Product product,
      @Nullable ActiveSet fixed,
      @Nullable Supplier<ActiveSet> live,
      Runnable end) {
    this.product = product;
    this.fixed = fixed;
    this.live = live;
    this.end = end;
  }

  /** A phase that multiplies the same groups in every step. */
  static Phase fixed(Product product, ActiveSet groups, Runnable end) {
    return new Phase(product, groups, null, end);
  }

  /** A phase whose groups are known when the phase before has ended. */
  static Phase live(Product product, Supplier<ActiveSet> groups, Runnable end) {
    return new Phase(product, null, groups, end);
  }

  /** A phase that multiplies nothing. */
  static Phase elementwise(Runnable end) {
    return new Phase(null, null, null, end);
  }

  /** A phase that is a step of other products. Streams of a batch do not share them. */
  static Phase whole(Whole whole) {
    Phase phase = elementwise(whole);
    phase.whole = whole;
    return phase;
  }

  /** From now on its multiplication is shared, if its product can read enough for that. */
  void divide(Split by, SegmentAllocator memory) {
    Team team = by.team();
    if (product != null && product.pack().layout().bytes() >= team.leastBytes()) {
      product.allowWorkers(team.threads(), memory);
      this.split = by;
      team.start();
    }
  }

  /** What it multiplies, the same in every step; null for nothing. */
  @Nullable Product product() {
    return product;
  }

  /** Whether it has a product, or is a step of others. */
  boolean multiplies() {
    return product != null || whole != null;
  }

  /** Whether it multiplies the same groups in every step. */
  boolean isFixed() {
    return live == null;
  }

  /** Which groups of its product it multiplies now. */
  ActiveSet groups() {
    return live == null ? Objects.requireNonNull(fixed) : live.get();
  }

  /** The same, after the product was prepared; counts the bytes that will be read. */
  ActiveSet begin() {
    Product multiplied = Objects.requireNonNull(product);
    ActiveSet set = groups();
    multiplied.prepare();
    bytesRead = multiplied.bytes(set);
    return set;
  }

  /** What comes after the multiplication. */
  void end() {
    end.run();
  }

  /** Multiplication and end. */
  void run() {
    if (product != null) {
      ActiveSet set = begin();
      if (product.multipliesAnything()) {
        multiply(product, set);
      }
    }
    end.run();
  }

  private void multiply(Product whole, ActiveSet set) {
    if (split == null) {
      whole.multiply(set, 0, set.count(), 0);
    } else {
      multiplied = set;
      split.multiply(this, set.count(), whole.multipliedBytes(set));
    }
  }

  /** Multiplies the groups at some positions of the set, after {@link #begin}. */
  @Override
  public void multiply(int from, int to, int worker) {
    Objects.requireNonNull(product).multiply(Objects.requireNonNull(multiplied), from, to, worker);
  }

  /** Weight bytes that the last step read here, those that streams of a batch share included. */
  long bytesRead() {
    return whole == null ? bytesRead : whole.bytesRead();
  }

  /** Values beyond the scale of their operand in the last step. */
  int clampedValues() {
    if (whole != null) {
      return whole.clampedValues();
    }
    return product == null ? 0 : product.clampedValues();
  }

  /** Values that moved in the last step, of those whose sums are kept. */
  int movedValues() {
    if (whole != null) {
      return whole.movedValues();
    }
    return product == null ? 0 : product.movedValues();
  }

  /** How many values had their sums kept in the last step. */
  int keptValues() {
    if (whole != null) {
      return whole.keptValues();
    }
    return product == null ? 0 : product.keptValues();
  }

  /** Values that were held back in the last step because too many moved. */
  int valuesHeldBack() {
    if (whole != null) {
      return whole.valuesHeldBack();
    }
    return product == null ? 0 : product.valuesHeldBack();
  }
}
