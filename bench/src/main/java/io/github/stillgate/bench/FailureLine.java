package io.github.stillgate.bench;

import picocli.CommandLine;

/** Says in one line why a benchmark did not run; with STILLGATE_DEBUG=1 its stack trace too. */
public final class FailureLine implements CommandLine.IExecutionExceptionHandler {
  /** For {@link CommandLine#setExecutionExceptionHandler}. */
  public FailureLine() {}

  @Override
  public int handleExecutionException(
      Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    String message = failure.getMessage();
    String line = message == null ? failure.getClass().getSimpleName() : message.strip();
    command.getErr().println("stillgate: " + line.replaceAll("\\s+", " "));
    if (!System.getenv().getOrDefault("STILLGATE_DEBUG", "").isEmpty()) {
      failure.printStackTrace(command.getErr());
    }
    return 1;
  }
}
