package io.github.stillgate.kernel.ffm;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Libraries that the build made beside the one in the jar, for these tests. */
final class BuiltLibrary {
  private static final Path FOLDER = Path.of("target/native/test-libraries");

  private BuiltLibrary() {}

  /** The library {@code name}; skips the test where the build had no compiler. */
  static String path(String name) throws IOException {
    assumeTrue(Files.isDirectory(FOLDER), "the build left the C tests out");
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .filter(
              file -> file.getFileName().toString().matches("(lib)?" + name + "\\.(so|dylib|dll)"))
          .findFirst()
          .orElseThrow()
          .toAbsolutePath()
          .toString();
    }
  }

  /** A library that every JDK has, and that has nothing of ours. */
  static String foreign() {
    String file = System.mapLibraryName("net");
    return Stream.of("lib", "bin")
        .map(folder -> Path.of(System.getProperty("java.home"), folder, file))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow()
        .toString();
  }
}
