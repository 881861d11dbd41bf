package io.github.stillgate.core.kernel;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * The backends on the class or module path.
 *
 * <p>{@code -Dstillgate.backend=X} is strict: {@link #choose} gives X or throws. Without it the
 * usable backend of the highest {@link Backend#preference} is taken; {@code reference} always runs.
 *
 * <p>Safe for any number of threads.
 */
public final class Backends {
  /** System property that demands one backend by name. */
  public static final String PROPERTY = "stillgate.backend";

  private static final List<Backend> ALL = load();

  private Backends() {}

  /**
   * One line of the report.
   *
   * @param name the backend's name
   * @param availability whether it runs, and if not, why
   */
  public record Entry(String name, Availability availability) {}

  /** Every backend found, the preferred first, with its availability. */
  public static List<Entry> report() {
    return ALL.stream().map(b -> new Entry(b.name(), b.availability())).toList();
  }

  /** Every backend that runs here, the preferred first. */
  public static List<Backend> usable() {
    return ALL.stream().filter(b -> b.availability().isUsable()).toList();
  }

  /**
   * The backend called {@code name}.
   *
   * @throws BackendUnavailableException if it is unknown or cannot run; the message says why and
   *     what to do
   */
  public static Backend require(String name) {
    for (Backend backend : ALL) {
      if (backend.name().equals(name)) {
        if (backend.availability() instanceof Availability.Unusable unusable) {
          throw new BackendUnavailableException(
              "backend \"%s\" cannot run here: %s".formatted(name, unusable));
        }
        return backend;
      }
    }
    throw new BackendUnavailableException(
        "no backend \"%s\" on the class or module path (found: %s); add the jar that provides it"
            .formatted(name, ALL.stream().map(Backend::name).collect(Collectors.joining(", "))));
  }

  /**
   * The backend demanded by {@code -Dstillgate.backend}, or else the best that runs.
   *
   * @throws BackendUnavailableException if the demanded one cannot run
   */
  public static Backend choose() {
    String demanded = System.getProperty(PROPERTY);
    return demanded == null || demanded.isBlank() ? usable().get(0) : require(demanded.strip());
  }

  private static List<Backend> load() {
    List<Backend> found = new ArrayList<>();
    Iterator<Backend> providers =
        ServiceLoader.load(Backend.class, Backends.class.getClassLoader()).iterator();
    while (true) {
      try {
        if (!providers.hasNext()) {
          break;
        }
        found.add(providers.next());
      } catch (ServiceConfigurationError | LinkageError broken) {
        found.add(new BrokenBackend(String.valueOf(broken.getMessage())));
      }
    }
    found.sort(Comparator.comparingInt(Backend::preference).reversed());
    return List.copyOf(found);
  }
}
