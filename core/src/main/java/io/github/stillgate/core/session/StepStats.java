package io.github.stillgate.core.session;

import io.github.stillgate.core.stage.StreamRun;

/**
 * What a session's last step did and its steps so far added up to: a live view, made once, so that
 * reading it allocates nothing. Read it from the thread that steps.
 */
public final class StepStats {
  private final StreamRun stream;
  private final int[] counted;
  private final long[] liveUnitSteps;
  private final int[] liveUnits;
  private final long[] movedValues;
  private final long[] keptValues;
  private final long[] valuesHeldBack;
  private final long[] unitsHeldBack;
  private final long[] clampedValues;
  private long steps;
  private long lastBytesRead;
  private long bytesRead;

  StepStats(StreamRun stream) {
    this.stream = stream;
    this.counted = stream.multiplying();
    this.liveUnitSteps = new long[stream.layers()];
    this.liveUnits = new int[stream.layers()];
    this.movedValues = new long[stream.layers()];
    this.keptValues = new long[stream.layers()];
    this.valuesHeldBack = new long[stream.layers()];
    this.unitsHeldBack = new long[stream.layers()];
    this.clampedValues = new long[stream.layers()];
  }

  void record() {
    steps++;
    lastBytesRead = stream.bytesRead();
    bytesRead += lastBytesRead;
    for (int layer : counted) {
      liveUnits[layer] = stream.liveUnits(layer);
      liveUnitSteps[layer] += liveUnits[layer];
      movedValues[layer] += stream.movedValues(layer);
      keptValues[layer] += stream.keptValues(layer);
      valuesHeldBack[layer] += stream.valuesHeldBack(layer);
      unitsHeldBack[layer] += stream.unitsHeldBack(layer);
      clampedValues[layer] += stream.clampedValues(layer);
    }
  }

  /** Steps since the session was opened. */
  public long steps() {
    return steps;
  }

  /** Number of layers of the model. */
  public int layers() {
    return liveUnitSteps.length;
  }

  /** Units of layer {@code layer}; 0 if it neither skips any nor keeps a state. */
  public int units(int layer) {
    return stream.units(layer);
  }

  /** Units of layer {@code layer} that were live in the last step. */
  public int liveUnits(int layer) {
    return liveUnits[layer];
  }

  /**
   * Share of the units of layer {@code layer} that were live, over all steps; 1 before the first.
   */
  public double liveFraction(int layer) {
    double possible = (double) steps * stream.units(layer);
    return possible == 0 ? 1 : liveUnitSteps[layer] / possible;
  }

  /**
   * Share of the values that layer {@code layer} multiplies (its inputs, its state) that moved
   * since the step before, over all steps, of those of which only what moved is multiplied: int8
   * values with a fixed scale ({@link io.github.stillgate.core.plan.WeightFormat#I8}). 1 if there
   * are none.
   */
  public double movedFraction(int layer) {
    return keptValues[layer] == 0 ? 1 : (double) movedValues[layer] / keptValues[layer];
  }

  /**
   * Values of layer {@code layer} that moved, but waited because more did than {@link
   * io.github.stillgate.core.plan.PlanOptions#withMaxMoved} allows: the sum over all steps, each
   * value in each step it waits. 0 without that bound.
   */
  public long valuesHeldBack(int layer) {
    return valuesHeldBack[layer];
  }

  /**
   * Units of layer {@code layer} whose gates were open, but stood still because more were than
   * {@link io.github.stillgate.core.plan.PlanOptions#withMaxLive} allows: the sum over all steps,
   * each unit in each step. 0 without that bound.
   */
  public long unitsHeldBack(int layer) {
    return unitsHeldBack[layer];
  }

  /**
   * Values of layer {@code layer} that were clamped, over all steps: those beyond 127 times the
   * scale that was found for them on data ({@link io.github.stillgate.core.model.OperandScales}),
   * each in every product that reads it, in every step, moved or not. 0 in other layers, since no
   * other value is beyond its scale.
   */
  public long clamped(int layer) {
    return clampedValues[layer];
  }

  /** Weight bytes the last step read. */
  public long bytesRead() {
    return lastBytesRead;
  }

  /** Weight bytes all steps read. */
  public long totalBytesRead() {
    return bytesRead;
  }
}
