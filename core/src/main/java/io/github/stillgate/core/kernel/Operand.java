package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * A vector on its way into packs: what a layer reads, its state, what a gate is made of. +0 in its
 * padding, whoever writes it.
 *
 * <p>Belongs to one stream, and to one thread at a time.
 */
public final class Operand {
  private final int width;
  private final MemorySegment floats;

  /** A vector of {@code width} zeros. */
  public Operand(int width, SegmentAllocator memory) {
    this(width, Lanes.floats(width, memory));
  }

  /** The vector that lies at the beginning of {@code floats}, padded. */
  public Operand(int width, MemorySegment floats) {
    this.width = width;
    this.floats = floats;
  }

  /** Number of values. */
  public int width() {
    return width;
  }

  /** The values as float32, padded to a multiple of {@link Lanes#COUNT}. */
  public MemorySegment floats() {
    return floats;
  }
}
