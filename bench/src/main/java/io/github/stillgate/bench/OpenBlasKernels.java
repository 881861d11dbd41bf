package io.github.stillgate.bench;

import io.github.stillgate.kernel.ffm.Blas;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gives an OpenBLAS that is older than the CPU the kernels that the CPU can run: left to itself it
 * would be no baseline. On a Xeon of 2023, OpenBLAS 0.3.21 takes its kernels of 2004, whose sgemv
 * reads at 45 % of the read bandwidth of one core; those for AVX-512 read at 97 %.
 */
public final class OpenBlasKernels {
  private static final String VARIABLE = "OPENBLAS_CORETYPE";

  private OpenBlasKernels() {}

  /**
   * Starts this process again with the variable that names the kernels, and ends with its exit
   * code, if that is needed: OpenBLAS reads the variable when it is loaded, and so do the JVMs that
   * measure. Returns otherwise, and where the variable is set already.
   */
  public static void ensure() {
    if (System.getenv(VARIABLE) != null || !Blas.system().availability().isUsable()) {
      return;
    }
    Optional<String> core = Blas.system().identity().betterCore();
    ProcessHandle.Info self = ProcessHandle.current().info();
    if (core.isEmpty() || self.command().isEmpty() || self.arguments().isEmpty()) {
      return;
    }
    System.err.printf(
        "OpenBLAS does not know this CPU: starting again with %s=%s%n", VARIABLE, core.get());
    try {
      ProcessBuilder again =
          new ProcessBuilder(again(self.command().get(), self.arguments().get())).inheritIO();
      again.environment().put(VARIABLE, core.get());
      System.exit(again.start().waitFor());
    } catch (IOException e) {
      throw new IllegalStateException("set %s=%s yourself".formatted(VARIABLE, core.get()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The same command; only descriptors 0 to 2 are inherited, so that it keeps its error stream. */
  static List<String> again(String command, String... arguments) {
    List<String> all = new ArrayList<>(List.of(command));
    for (String argument : arguments) {
      if (!argument.startsWith("-Dstillgate.stderr=")) {
        all.add(argument);
      }
    }
    return all;
  }
}
