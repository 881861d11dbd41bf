package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * A matrix packed in {@link PanelLayout}, together with the kernel that multiplies it.
 *
 * <p>Immutable; any number of threads may multiply at once. The arena it was packed into must be
 * alive.
 */
public abstract class PackedPanels {
  private final PanelLayout layout;

  /** A pack of {@code layout}. */
  protected PackedPanels(PanelLayout layout) {
    this.layout = layout;
  }

  /** Where the rows lie. */
  public final PanelLayout layout() {
    return layout;
  }

  /**
   * {@code sums[i] = sum over k of matrix[i][k] * vector[k]} for every row, in the order of {@link
   * PanelLayout}.
   *
   * @param vector at least {@code columns} floats
   * @param sums the padded number of rows; all are written
   */
  public abstract void multiply(MemorySegment vector, MemorySegment sums);
}
