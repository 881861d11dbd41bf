package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Memory for packed weights: zero, 64-byte aligned, and, where Linux can and native access is
 * enabled, large packs on huge pages.
 *
 * <p>A row of 1024 floats is a page of 4 KiB, at whose end the hardware prefetcher stops. What huge
 * pages gain stands in docs/decisions.md.
 *
 * <p>Safe for any number of threads.
 */
public final class PackMemory {
  private static final long HUGE_PAGE = 2L << 20;

  /** {@code MADV_HUGEPAGE}. */
  private static final int WANT_HUGE_PAGES = 14;

  /** {@code MADV_COLLAPSE} of Linux 6.1: at once, since the memory was touched when zeroed. */
  private static final int COLLAPSE = 25;

  private static final @Nullable MethodHandle ADVISE = findAdvise();

  private PackMemory() {}

  /** {@code bytes} of zeros that live as long as {@code arena}. */
  public static MemorySegment allocate(long bytes, Arena arena) {
    if (ADVISE == null || bytes < HUGE_PAGE) {
      return arena.allocate(bytes, Lanes.ALIGNMENT);
    }
    MemorySegment memory = arena.allocate(bytes, HUGE_PAGE);
    long whole = bytes / HUGE_PAGE * HUGE_PAGE;
    advise(ADVISE, memory, whole, WANT_HUGE_PAGES);
    advise(ADVISE, memory, whole, COLLAPSE);
    return memory;
  }

  /** Best effort: an older system refuses, and the pages stay as they are. */
  private static void advise(MethodHandle madvise, MemorySegment memory, long bytes, int advice) {
    try {
      int refused = (int) madvise.invokeExact(memory, bytes, advice);
      assert refused == 0 || refused == -1;
    } catch (Throwable e) {
      throw new AssertionError("a C function throws nothing", e);
    }
  }

  @SuppressWarnings("restricted")
  private static @Nullable MethodHandle findAdvise() {
    boolean linux = System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux");
    // Asked first, so that a program that did not enable native access sees no warning about it.
    if (!linux || !PackMemory.class.getModule().isNativeAccessEnabled()) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("madvise")
        .map(at ->
            linker.downcallHandle(
                at, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)))
        .orElse(null);
  }
}
