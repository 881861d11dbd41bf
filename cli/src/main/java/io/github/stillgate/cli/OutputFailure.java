package io.github.stillgate.cli;

import java.io.IOException;

/**
 * The standard output takes no more. An error, so that no command and no library between goes on
 * without it.
 */
final class OutputFailure extends Error {
  private static final long serialVersionUID = 1L;

  /** 128 and the number of SIGPIPE, which is what a shell shows for a tool that it ended. */
  private static final int READER_GONE = 141;

  private final boolean readerGone;

  OutputFailure(IOException cause) {
    super(
        "standard output: %s; what was written is incomplete".formatted(Failures.reason(cause)),
        cause,
        false,
        false);
    String reason = String.valueOf(cause.getMessage());
    this.readerGone = reason.contains("Broken pipe") || reason.contains("pipe is being closed");
  }

  /** Whether a pipe's reader closed it, as {@code head} does when it has seen enough. */
  boolean isReaderGone() {
    return readerGone;
  }

  int exitCode() {
    return readerGone ? READER_GONE : 1;
  }
}
