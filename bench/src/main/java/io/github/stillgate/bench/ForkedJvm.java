package io.github.stillgate.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * JVMs that measure. They get this JVM's {@code stillgate.*} properties: a tier or a BLAS that was
 * asked for here is the one that is timed there.
 */
public final class ForkedJvm {
  private ForkedJvm() {}

  /** The flags of a JVM that runs every backend. */
  public static List<String> flags() {
    List<String> flags =
        new ArrayList<>(
            List.of(
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow"));
    System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.startsWith("stillgate."))
        .sorted()
        .forEach(name -> flags.add("-D" + name + "=" + System.getProperty(name)));
    return flags;
  }

  /**
   * How a JVM is started.
   *
   * @param before words before {@code java}, such as a program that holds it to one core
   * @param flags besides {@link #flags}, of which they take precedence
   * @param environment variables besides those of this process
   */
  public record Start(List<String> before, List<String> flags, Map<String, String> environment) {}

  /**
   * What a program printed.
   *
   * @param more flags besides {@link #flags}
   * @throws IllegalStateException if its exit code is not 0
   */
  public static String run(Class<?> main, List<String> more, List<String> arguments)
      throws IOException, InterruptedException {
    return run(main, new Start(List.of(), more, Map.of()), arguments);
  }

  /**
   * What a program printed.
   *
   * @throws IllegalStateException if its exit code is not 0
   */
  public static String run(Class<?> main, Start start, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(start.before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags());
    command.addAll(start.flags);
    command.addAll(
        List.of(
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
            "-cp",
            System.getProperty("java.class.path"),
            main.getName()));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(start.environment);
    Process process = builder.start();
    try (InputStream in = process.getInputStream()) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      int exit = process.waitFor();
      if (exit != 0) {
        throw new IllegalStateException(
            "the JVM of %s %s failed with exit code %d"
                .formatted(main.getSimpleName(), String.join(" ", arguments), exit));
      }
      return text;
    }
  }
}
