package io.github.stillgate.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Standard output and error as a command needs them. */
final class StandardStreams {
  /** The descriptor that the launcher keeps the real standard error stream at. */
  private static final String ERROR_AT = "stillgate.stderr";

  private static final String ERROR_IS_TERMINAL = "stillgate.stderr.terminal";

  private StandardStreams() {}

  static void takeOver() {
    giveBackError();
    FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    System.setOut(new PrintStream(new Checked(out), true, System.out.charset()));
  }

  /** Whether a person sees the standard error stream come in, as far as the launcher could tell. */
  static boolean errorIsTerminal() {
    return Boolean.getBoolean(ERROR_IS_TERMINAL);
  }

  /**
   * While the JVM starts, the launcher leads its standard error stream through a filter, because
   * nothing else silences "WARNING: Using incubator modules". Descriptor 2 is what it was from here
   * on, for Java, native code and processes alike; the filter then reads its end.
   */
  private static void giveBackError() {
    Integer kept = Integer.getInteger(ERROR_AT);
    if (kept == null) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    linker
        .defaultLookup()
        .find("dup2")
        .ifPresent(dup2 -> {
          MethodHandle call =
              linker.downcallHandle(
                  dup2,
                  FunctionDescriptor.of(
                      ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
          try {
            int ignored = (int) call.invokeExact((int) kept, 2);
          } catch (Throwable impossible) {
            throw new AssertionError(impossible);
          }
        });
  }

  /** A {@link PrintStream} hides an {@link IOException}; this one nobody overlooks. */
  static final class Checked extends OutputStream {
    private final OutputStream out;

    Checked(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) {
      try {
        out.write(bytes, from, length);
      } catch (IOException e) {
        throw new OutputFailure(e);
      }
    }
  }
}
