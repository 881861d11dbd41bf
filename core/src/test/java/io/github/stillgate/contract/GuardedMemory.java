package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory between two zones that nobody may write. A kernel that is given an address writes beyond a
 * segment without an exception; the zones show it.
 *
 * <p>Zero when it is allocated, and as long alive as its arena. Belongs to one thread.
 */
final class GuardedMemory implements SegmentAllocator {
  private static final int ZONE = 256;
  private static final byte GUARD = 0x5c;

  private final Arena arena;
  private final List<MemorySegment> zones = new ArrayList<>();

  GuardedMemory(Arena arena) {
    this.arena = arena;
  }

  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    long front = Math.max(ZONE, alignment);
    MemorySegment whole =
        arena.allocate(front + bytes + ZONE, Math.max(alignment, Lanes.ALIGNMENT));
    zones.add(whole.asSlice(0, front).fill(GUARD));
    zones.add(whole.asSlice(front + bytes).fill(GUARD));
    return whole.asSlice(front, bytes);
  }

  /** Fails if a zone was written. */
  void assertIntact() {
    for (MemorySegment zone : zones) {
      for (long i = 0; i < zone.byteSize(); i++) {
        if (zone.get(JAVA_BYTE, i) != GUARD) {
          assertThat(zone.get(JAVA_BYTE, i)).as("byte %d of a guard zone", i).isEqualTo(GUARD);
        }
      }
    }
  }
}
