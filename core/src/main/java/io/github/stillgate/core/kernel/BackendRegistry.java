package io.github.stillgate.core.kernel;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * The backends on the class or module path. What users ask about them is in {@code plan.Backends}.
 *
 * <p>Safe for any number of threads.
 */
public final class BackendRegistry {
  private static final List<Backend> ALL = load();

  private BackendRegistry() {}

  /** Every backend found, the preferred first. */
  public static List<Backend> all() {
    return ALL;
  }

  /** Every backend that runs here, the preferred first; {@code reference} always does. */
  public static List<Backend> usable() {
    return ALL.stream().filter(b -> b.availability().isUsable()).toList();
  }

  /**
   * The backend called {@code name}.
   *
   * @throws IllegalArgumentException if it is unknown or cannot run; the message says why and what
   *     to do
   */
  public static Backend require(String name) {
    for (Backend backend : ALL) {
      if (backend.name().equals(name)) {
        if (backend.availability() instanceof Availability.Unusable unusable) {
          throw new IllegalArgumentException(
              "backend \"%s\" cannot run here: %s".formatted(name, unusable));
        }
        return backend;
      }
    }
    String lower = name.toLowerCase(Locale.ROOT);
    boolean otherCase = ALL.stream().anyMatch(backend -> backend.name().equals(lower));
    throw new IllegalArgumentException(
        "no backend \"%s\" on the class or module path (found: %s); %s"
            .formatted(
                name,
                ALL.stream().map(Backend::name).collect(Collectors.joining(", ")),
                otherCase
                    ? "names are in lower case: \"" + lower + "\""
                    : "add the jar that provides it"));
  }

  /** Who multiplies for plans that ask for a BLAS; the first that can, else the first found. */
  public static Optional<DenseProducts> blas() {
    List<DenseProducts> found = new ArrayList<>();
    ServiceLoader.load(DenseProducts.class, BackendRegistry.class.getClassLoader())
        .forEach(found::add);
    return found.stream()
        .filter(blas -> blas.availability().isUsable())
        .findFirst()
        .or(() -> found.stream().findFirst());
  }

  private static List<Backend> load() {
    List<Backend> found = new ArrayList<>();
    Iterator<Backend> providers =
        ServiceLoader.load(Backend.class, BackendRegistry.class.getClassLoader()).iterator();
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
