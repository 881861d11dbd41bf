package io.github.stillgate.core.stage;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Whether the calling thread computes as Java promises. A native library in the same process may
 * leave its thread flushing denormals or rounding in another direction; then every backend gives
 * other bits, and very small inputs may open or close no gate.
 *
 * <p>The state is found by computing, so it is that of the arithmetic in use, on any CPU.
 */
final class Arithmetic {
  /** Volatile, so that no compiler computes with them ahead of time. */
  private static volatile float one = 1f;

  private static volatile float half = 0.5f;
  private static volatile float smallestNormal = Float.MIN_NORMAL;
  private static volatile float smallest = Float.MIN_VALUE;
  private static volatile float belowHalfAnUlp = 0x1p-26f;
  private static volatile float aboveHalfAnUlp = 0x1.8p-24f;

  /** Name of the logger that is told what a user should know. */
  private static final String LOGGER = "io.github.stillgate";

  private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

  private Arithmetic() {}

  /** Warns, once in a JVM for each kind of change. */
  static void look() {
    changed().filter(TOLD::add).ifPresent(Arithmetic::tell);
  }

  private static void tell(String change) {
    System.getLogger(LOGGER)
        .log(
            System.Logger.Level.WARNING,
            "the thread %s %s: a native library in this process has left its floating-point state"
                    .formatted(Thread.currentThread().getName(), change)
                + " changed. Outputs are not those of other machines; open and step sessions on"
                + " threads that never call that library, or have it restore the state");
  }

  /** What the thread does otherwise than Java, if anything. */
  static Optional<String> changed() {
    StringBuilder changes = new StringBuilder();
    if (smallestNormal * half == 0) {
      add(changes, "flushes denormal results to zero");
    }
    if (smallest * 0x1p100f == 0) {
      add(changes, "takes denormal operands for zero");
    }
    boolean up = one + belowHalfAnUlp != 1f;
    boolean down = -one - belowHalfAnUlp != -1f;
    boolean zero = !up && !down && one + aboveHalfAnUlp == 1f;
    if (up || down || zero) {
      add(changes, "rounds " + (up ? "up" : down ? "down" : "towards zero"));
    }
    return changes.isEmpty() ? Optional.empty() : Optional.of(changes.toString());
  }

  private static void add(StringBuilder changes, String change) {
    changes.append(changes.isEmpty() ? "" : " and ").append(change);
  }
}
