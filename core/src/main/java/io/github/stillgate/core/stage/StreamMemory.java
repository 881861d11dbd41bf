package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * The off-heap memory of one stream, batch or sequence: one part of fixed size, and rooms that grow
 * with what is run. All of it is freed at once.
 *
 * <p>Allocating and growing belong to the thread inside; freeing happens when none is and none can
 * be ({@link OneThread}).
 */
final class StreamMemory implements SegmentAllocator {
  private final Arena fixed = Arena.ofShared();
  private final List<Room> rooms = new ArrayList<>();

  /** Written by the thread inside, read by one that closes: an old value is good enough. */
  private long bytes;

  @Override
  public MemorySegment allocate(long size, long alignment) {
    bytes += size;
    return fixed.allocate(size, alignment);
  }

  /** Bytes of all of it. */
  long bytes() {
    long all = bytes;
    for (Room room : rooms) {
      all += room.memory.byteSize();
    }
    return all;
  }

  /** A room of no size yet. */
  Room room() {
    Room room = new Room();
    rooms.add(room);
    return room;
  }

  void free() {
    fixed.close();
    rooms.forEach(Room::free);
  }

  /** Memory that is kept from run to run, and replaced when a run needs more. */
  static final class Room {
    private Arena arena = Arena.global();
    private MemorySegment memory = MemorySegment.NULL;

    /** At least {@code bytes}; what it held before is lost. */
    MemorySegment atLeast(long bytes) {
      if (memory.byteSize() < bytes) {
        free();
        Arena larger = Arena.ofShared();
        try {
          memory = larger.allocate(bytes, Lanes.ALIGNMENT);
        } catch (Throwable failure) {
          larger.close();
          throw failure;
        }
        arena = larger;
      }
      return memory;
    }

    private void free() {
      memory = MemorySegment.NULL;
      if (arena.scope() != Arena.global().scope()) {
        Arena freed = arena;
        arena = Arena.global();
        freed.close();
      }
    }
  }
}
