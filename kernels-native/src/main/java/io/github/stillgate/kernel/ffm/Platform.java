package io.github.stillgate.kernel.ffm;

import java.util.List;
import java.util.Locale;

/**
 * An operating system and a processor, by the names that {@code native/CMakeLists.txt} gives to
 * folders: {@code linux-x86_64}.
 */
record Platform(String system, String architecture) {
  /** Those that a jar may hold a library for. */
  static final List<Platform> KNOWN =
      List.of(
          new Platform("linux", "x86_64"),
          new Platform("linux", "aarch64"),
          new Platform("macos", "x86_64"),
          new Platform("macos", "aarch64"),
          new Platform("windows", "x86_64"),
          new Platform("windows", "aarch64"));

  /** The platform that this JVM runs on. */
  static Platform current() {
    return of(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
  }

  /** The platform that a JVM describes by its properties os.name and os.arch. */
  static Platform of(String osName, String osArch) {
    String os = osName.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    String system = os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "macos" : os;
    String architecture =
        switch (osArch.toLowerCase(Locale.ROOT)) {
          case "amd64", "x86_64", "x64" -> "x86_64";
          case "arm64", "aarch64" -> "aarch64";
          default -> osArch.toLowerCase(Locale.ROOT);
        };
    return new Platform(system, architecture);
  }

  /** Where the library stands beside this package's classes. */
  String entry() {
    return "lib/" + this + "/" + file();
  }

  /** The library's name, as System.mapLibraryName gives it on that system. */
  String file() {
    return switch (system) {
      case "windows" -> "stillgate.dll";
      case "macos" -> "libstillgate.dylib";
      default -> "libstillgate.so";
    };
  }

  @Override
  public String toString() {
    return system + "-" + architecture;
  }
}
