package io.github.stillgate.bench.strategy;

import io.github.stillgate.kernel.ffm.Blas;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The BLAS implementations that can be compared here, by the names used in parameters. */
public final class BlasLibraries {
  private static final Path MKL =
      Path.of(
          System.getProperty("stillgate.home", "."),
          "bench/target/mkl/org/bytedeco/mkl/linux-x86_64/libmkl_rt.so.2");

  private BlasLibraries() {}

  /** Those found: {@code openblas} (or what the system has), {@code mkl}, {@code netlib}. */
  public static List<String> names() {
    List<String> names = new ArrayList<>();
    if (Blas.system().availability().isUsable()) {
      names.add("openblas");
    }
    if (Files.exists(MKL)) {
      names.add("mkl");
    }
    names.add("netlib");
    return names;
  }

  /** The BLAS of one of these names. */
  public static Blas open(String name) {
    return switch (name) {
      case "openblas" -> Blas.system();
      case "mkl" -> Blas.open(MKL.toString());
      case "netlib" -> Blas.netlib();
      default -> throw new IllegalArgumentException("no BLAS is called " + name);
    };
  }
}
