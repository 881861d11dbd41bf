package io.github.stillgate.bench.strategy;

import io.github.stillgate.kernel.ffm.Blas;
import io.github.stillgate.kernel.ffm.BlasIdentity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The BLAS implementations that can be compared here, by what they are. */
public final class BlasLibraries {
  private static final Path MKL =
      Path.of(
          System.getProperty("stillgate.home", "."),
          "bench/target/mkl/org/bytedeco/mkl/linux-x86_64/libmkl_rt.so.2");

  private static final Map<String, Blas> FOUND = find();

  private BlasLibraries() {}

  private static Map<String, Blas> find() {
    Map<String, Blas> found = new LinkedHashMap<>();
    Blas system = Blas.system();
    if (system.availability().isUsable()) {
      found.put(system.identity().kind().label(), system);
    } else if (System.getProperty(Blas.PROPERTY) != null) {
      throw new IllegalStateException(system.availability().toString());
    }
    if (Files.exists(MKL)) {
      Blas mkl = Blas.open(MKL.toString());
      found.putIfAbsent(mkl.identity().kind().label(), mkl);
    }
    Blas netlib = Blas.netlib();
    if (netlib.identity().kind() == BlasIdentity.Kind.NETLIB) {
      found.put(netlib.identity().kind().label(), netlib);
    }
    return Collections.unmodifiableMap(found);
  }

  /**
   * The labels of those found, from {@link BlasIdentity.Kind#label}: the system's, MKL's, netlib's.
   */
  public static List<String> names() {
    return List.copyOf(FOUND.keySet());
  }

  /** The BLAS of one of these names. */
  public static Blas open(String name) {
    Blas blas = FOUND.get(name);
    if (blas == null) {
      throw new IllegalArgumentException(
          "no BLAS is called %s here (found: %s)"
              .formatted(name, FOUND.isEmpty() ? "none" : String.join(", ", FOUND.keySet())));
    }
    return blas;
  }

  /** One line for each: its label, what it is, and what is wrong with its kernels. */
  public static List<String> described() {
    if (FOUND.isEmpty()) {
      return List.of("BLAS: none; " + Blas.system().availability());
    }
    return FOUND.values().stream().map(BlasLibraries::describe).toList();
  }

  private static String describe(Blas blas) {
    BlasIdentity identity = blas.identity();
    // Whoever reads a table has the checkout elsewhere.
    String home = System.getProperty("stillgate.home", ".") + "/";
    return "BLAS %s: %s%s"
        .formatted(
            identity.kind().label(),
            identity.toString().replace(home, ""),
            identity.narrowness().map(problem -> " (" + problem + ")").orElse(""));
  }
}
