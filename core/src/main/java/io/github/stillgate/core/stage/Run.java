package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Product;
import java.lang.foreign.SegmentAllocator;
import java.util.Arrays;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A stage at work on one stream: its phases, one after the other.
 *
 * <p>Not safe for several threads.
 */
public final class Run {
  private final Operand output;
  private final int units;
  private final IntSupplier liveUnits;
  private final Phase[] phases;
  private final Product[] byToken;
  private final @Nullable LiveCut cut;
  private final @Nullable Operand alsoRead;

  private Run(
      Operand output,
      int units,
      IntSupplier liveUnits,
      @Nullable LiveCut cut,
      @Nullable Operand alsoRead,
      Phase... phases) {
    this.cut = cut;
    this.alsoRead = alsoRead;
    this.output = output;
    this.units = units;
    this.liveUnits = liveUnits;
    this.phases = phases;
    this.byToken =
        Arrays.stream(phases)
            .map(Phase::product)
            .filter(product -> product != null && product.pack().weights().tokenOperand() >= 0)
            .toArray(Product[]::new);
  }

  /** A run of a stage that has no units of its own that could be live or still. */
  static Run plain(Operand output, Phase... phases) {
    return new Run(output, 0, () -> 0, null, null, phases);
  }

  /** A run of a recurrent stage whose {@code units} are all live. */
  static Run ungated(Operand output, int units, Phase... phases) {
    return new Run(output, units, () -> units, null, null, phases);
  }

  /**
   * A run of a stage of which {@code liveUnits} says how many of {@code units} were live, after
   * {@code cut} left no more than may be.
   */
  static Run gated(Operand output, int units, IntSupplier liveUnits, LiveCut cut, Phase... phases) {
    return new Run(output, units, liveUnits, cut, null, phases);
  }

  /** This run of a stage whose ends read the input vector too, so that a token must write it. */
  Run alsoReading(Operand input) {
    return new Run(output, units, liveUnits, cut, input, phases);
  }

  /** Whether a token can take the place of the sums over its input. */
  boolean takesTokens() {
    return byToken.length > 0;
  }

  /** Whether it multiplies or has units, so that there is something to count in a step. */
  boolean multiplies() {
    return units > 0 || Arrays.stream(phases).anyMatch(Phase::multiplies);
  }

  /** What the stage returns. */
  public Operand output() {
    return output;
  }

  /** Units that could be live or still, or that keep a state; 0 if there are none. */
  public int units() {
    return units;
  }

  /** Units that were live in the last step. */
  public int liveUnits() {
    return liveUnits.getAsInt();
  }

  /** Lets workers share the multiplications of its phases that are large, if there are any. */
  void divide(@Nullable Split split, SegmentAllocator memory) {
    if (split != null) {
      for (Phase phase : phases) {
        phase.divide(split, memory);
      }
    }
  }

  /** The phases of a step. */
  Phase[] phases() {
    return phases;
  }

  /** The next step reads the input vector. */
  void readVector() {
    for (Product product : byToken) {
      product.multiplyAgain(product.pack().weights().tokenOperand());
    }
  }

  /** The next step reads token {@code token}. */
  void readToken(int token) {
    for (Product product : byToken) {
      product.takeToken(token);
    }
    if (alsoRead != null) {
      alsoRead.floats().fill((byte) 0);
      alsoRead.floats().setAtIndex(JAVA_FLOAT, token, 1);
    }
  }

  /** One step. */
  void step() {
    for (Phase phase : phases) {
      phase.run();
    }
  }

  /** Values that moved in the last step, of those whose sums are kept. */
  int movedValues() {
    int moved = 0;
    for (Phase phase : phases) {
      moved += phase.movedValues();
    }
    return moved;
  }

  /** How many values had their sums kept in the last step. */
  int keptValues() {
    int values = 0;
    for (Phase phase : phases) {
      values += phase.keptValues();
    }
    return values;
  }

  /** Values that were held back in the last step because too many moved. */
  int valuesHeldBack() {
    int values = 0;
    for (Phase phase : phases) {
      values += phase.valuesHeldBack();
    }
    return values;
  }

  /** Units that were held back in the last step because too many were live. */
  int unitsHeldBack() {
    return cut == null ? 0 : cut.unitsHeldBack();
  }

  /** From now on every step is one of those that cost most: {@link LiveCut#drawScores}. */
  void drawScores() {
    if (cut != null) {
      cut.drawScores();
    }
  }

  /** Values beyond the scale of their operand in the last step. */
  int clampedValues() {
    int clamped = 0;
    for (Phase phase : phases) {
      clamped += phase.clampedValues();
    }
    return clamped;
  }

  /** Weight bytes the last step read. */
  long bytesRead() {
    long bytes = 0;
    for (Phase phase : phases) {
      bytes += phase.bytesRead();
    }
    return bytes;
  }
}
