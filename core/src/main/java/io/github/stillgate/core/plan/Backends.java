package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.DenseProducts;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/**
 * The backends on the class or module path: which run here, and why the others do not.
 *
 * <p>{@code -Dstillgate.backend=X} is strict: {@link Plan#compile} takes X or throws. Without it
 * the fastest that runs is taken; {@code reference} always runs. Where that is not the fastest that
 * was found, a warning with reason and cure goes to the {@link System.Logger} {@value #LOGGER},
 * once in a JVM.
 *
 * <p>Safe for any number of threads.
 */
public final class Backends {
  /** System property that demands one backend by name. */
  public static final String PROPERTY = "stillgate.backend";

  /** Name of the logger that is told what a user should know. */
  public static final String LOGGER = "io.github.stillgate";

  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private Backends() {}

  /**
   * One line of the report.
   *
   * @param name the backend's name
   * @param tier instruction set or vector width in use; empty if it cannot run
   * @param reason what is missing; empty if it runs
   * @param cure what the user can do about it; empty if it runs
   */
  public record Entry(String name, Optional<String> tier, String reason, String cure) {
    /** Whether it runs here. */
    public boolean isUsable() {
      return tier.isPresent();
    }

    private static Entry of(Backend backend) {
      return switch (backend.availability()) {
        case Availability.Usable(String tier) ->
            new Entry(backend.name(), Optional.of(tier), "", "");
        case Availability.Unusable(String reason, String cure) ->
            new Entry(backend.name(), Optional.empty(), reason, cure);
      };
    }

    @Override
    public String toString() {
      return tier.map(usable -> name + ": " + usable)
          .orElseGet(() -> "%s: %s; %s".formatted(name, reason, cure));
    }
  }

  /** Every backend found, the fastest first. */
  public static List<Entry> report() {
    return BackendRegistry.all().stream().map(Entry::of).toList();
  }

  /** Names of the backends that run here, the fastest first. */
  public static List<String> usable() {
    return report().stream().filter(Entry::isUsable).map(Entry::name).toList();
  }

  /**
   * Name of the backend that {@link Plan#compile} takes if its options name none.
   *
   * @throws BackendUnavailableException if {@code -Dstillgate.backend} demands one that cannot run
   */
  public static String chosen() {
    return choose().name();
  }

  /**
   * The backend called {@code name}.
   *
   * @throws BackendUnavailableException if it is unknown or cannot run
   */
  static Backend require(String name) {
    try {
      return BackendRegistry.require(name);
    } catch (IllegalArgumentException e) {
      throw new BackendUnavailableException(e.getMessage());
    }
  }

  /**
   * The BLAS of this machine.
   *
   * @throws BackendUnavailableException if there is none
   */
  static DenseProducts requireBlas() {
    DenseProducts blas =
        BackendRegistry.blas()
            .orElseThrow(() ->
                new BackendUnavailableException(
                    "a BLAS was asked for, and nothing here can call one; add"
                        + " stillgate-kernels-native, or leave PlanOptions.withBlas out"));
    if (blas.availability() instanceof Availability.Unusable unusable) {
      throw new BackendUnavailableException("a BLAS was asked for: " + unusable);
    }
    return blas;
  }

  /**
   * The backend demanded by {@code -Dstillgate.backend}, or else the fastest that runs.
   *
   * @throws BackendUnavailableException if the demanded one cannot run
   */
  static Backend choose() {
    String demanded = System.getProperty(PROPERTY);
    if (demanded != null && !demanded.isBlank()) {
      return require(demanded.strip());
    }
    fallBack(report())
        .filter(_ -> TOLD.compareAndSet(false, true))
        .ifPresent(said -> System.getLogger(LOGGER).log(System.Logger.Level.WARNING, said));
    return BackendRegistry.usable().get(0);
  }

  /** What to say if the fastest backend of a report does not run. */
  static Optional<String> fallBack(List<Entry> report) {
    List<Entry> missed = report.stream().takeWhile(entry -> !entry.isUsable()).toList();
    if (missed.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "plans run on the slower backend %s, since faster ones cannot run here: %s"
            .formatted(
                report.get(missed.size()).name(),
                missed.stream().map(Entry::toString).collect(Collectors.joining("; "))));
  }
}
