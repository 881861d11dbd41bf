package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code src/main/c/plain_loop.c}, compiled for this CPU when it is first wanted. */
final class PlainLoop {
  private final MethodHandle loop;

  private PlainLoop(MethodHandle loop) {
    this.loop = loop;
  }

  /** Whether there is a C compiler. */
  static boolean canCompile() {
    try {
      Process version = new ProcessBuilder("cc", "--version").redirectErrorStream(true).start();
      version.getInputStream().readAllBytes();
      return version.waitFor() == 0;
    } catch (IOException absent) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Compiles the loop with everything that makes it fast, sums reordered included. */
  static PlainLoop compile(boolean openMp) {
    try {
      Path folder = Files.createTempDirectory("stillgate-loop");
      Path library = folder.resolve("libplain.so");
      Path source =
          Path.of(System.getProperty("stillgate.home", "."), "bench/src/main/c/plain_loop.c");
      List<String> command =
          new ArrayList<>(List.of("cc", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"));
      if (openMp) {
        command.add("-fopenmp");
      }
      command.addAll(List.of(source.toString(), "-o", library.toString()));
      Process cc = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(cc.getInputStream().readAllBytes());
      if (cc.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + " failed: " + said);
      }
      MethodHandle loop =
          Linker.nativeLinker()
              .downcallHandle(
                  SymbolLookup.libraryLookup(library, Arena.global()).findOrThrow("plain_loop"),
                  FunctionDescriptor.ofVoid(
                      ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));
      Files.delete(library);
      Files.delete(folder);
      return new PlainLoop(loop);
    } catch (IOException e) {
      throw new IllegalStateException("cannot compile the plain loop: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while compiling", e);
    }
  }

  void run(
      MemorySegment reset,
      MemorySegment candidate,
      MemorySegment live,
      int count,
      int width,
      MemorySegment x,
      MemorySegment resetSums,
      MemorySegment candidateSums) {
    try {
      loop.invokeExact(
          reset, candidate, live, (long) count, (long) width, x, resetSums, candidateSums);
    } catch (Throwable e) {
      throw new AssertionError("a plain loop throws nothing", e);
    }
  }
}
