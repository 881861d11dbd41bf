package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;

/**
 * One stream's side of a multiplication: which vector each operand is, and where its sums go. An
 * operand that is left out is not multiplied.
 *
 * <p>Belongs to one stream; while a pack multiplies, its threads only read it.
 */
public final class Binding {
  private final @Nullable MemorySegment[] vectors;
  private final @Nullable MemorySegment[] sums;
  private final @Nullable KeptSums[] keptSums;
  private final MemorySegment addresses;

  /** A binding that leaves out all {@code operands}. */
  public Binding(int operands, SegmentAllocator memory) {
    this.vectors = new MemorySegment[operands];
    this.sums = new MemorySegment[operands];
    this.keptSums = new KeptSums[operands];
    this.addresses = memory.allocate(16L * operands, Lanes.ALIGNMENT);
  }

  /**
   * Binds an operand.
   *
   * @param vector padded to a multiple of {@link Lanes#COUNT} floats, zero in the padding; in the
   *     order {@link SumOrder#CHAIN} it may begin anywhere and have no padding
   * @param sumsOfIt {@link PackLayout.Part#sumFloats} floats; in the order CHAIN they may begin
   *     anywhere and end with the last row
   */
  public void put(int operand, MemorySegment vector, MemorySegment sumsOfIt) {
    vectors[operand] = vector;
    sums[operand] = sumsOfIt;
    addresses.setAtIndex(JAVA_LONG, operand, vector.address());
    addresses.setAtIndex(JAVA_LONG, (long) vectors.length + operand, sumsOfIt.address());
  }

  /** Lets an operand's integer sums be kept from one multiplication to the next. */
  public void keep(int operand, @Nullable KeptSums sumsOfIt) {
    keptSums[operand] = sumsOfIt;
  }

  /** What is kept of an operand, or null if all of it is multiplied each time. */
  public @Nullable KeptSums keptSums(int operand) {
    return keptSums[operand];
  }

  /** Leaves an operand out. */
  public void leaveOut(int operand) {
    vectors[operand] = null;
    sums[operand] = null;
    addresses.setAtIndex(JAVA_LONG, operand, 0);
    addresses.setAtIndex(JAVA_LONG, (long) vectors.length + operand, 0);
  }

  /** Number of operands, those that are left out included. */
  public int operands() {
    return vectors.length;
  }

  /** The vector of an operand, or null if it is left out. */
  public @Nullable MemorySegment vector(int operand) {
    return vectors[operand];
  }

  /** Where the sums over an operand go, or null if it is left out. */
  public @Nullable MemorySegment sums(int operand) {
    return sums[operand];
  }

  /** Off-heap longs: the address of each vector, then of each operand's sums; 0 if left out. */
  public MemorySegment addresses() {
    return addresses;
  }
}
