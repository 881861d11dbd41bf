package io.github.stillgate.core.stage;

import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The way from a plan to its {@link Network}, for sessions: a plan does not show it, since users of
 * a network must pass the checks of a session.
 */
public final class NetworkAccess {
  private static volatile @Nullable Function<Object, Network> way;

  private NetworkAccess() {}

  /** Told once, by the class of plans. */
  public static void open(Function<Object, Network> planToNetwork) {
    way = planToNetwork;
  }

  /** The network of {@code plan}. */
  public static Network of(Object plan) {
    return Objects.requireNonNull(way, "a plan exists, so its class was initialized").apply(plan);
  }
}
