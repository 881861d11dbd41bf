package io.github.stillgate.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on the standard error stream, if that is a terminal; else nothing at all. */
final class Progress implements AutoCloseable {
  private static final int WIDTH = 100;
  private static final int INTERVAL_MILLIS = 500;

  private final @Nullable ProgressBar bar;

  private Progress(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  /**
   * Begins at 0.
   *
   * @param wanted false if nobody is to see it
   */
  static Progress of(String task, long steps, boolean wanted) {
    if (!wanted || !StandardStreams.errorIsTerminal()) {
      return new Progress(null);
    }
    return new Progress(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(steps)
            .setStyle(ProgressBarStyle.ASCII)
            .setMaxRenderedLength(WIDTH)
            .setUpdateIntervalMillis(INTERVAL_MILLIS)
            .clearDisplayOnFinish()
            .build());
  }

  void at(long steps) {
    if (bar != null) {
      bar.stepTo(steps);
    }
  }

  void advance(long steps) {
    if (bar != null) {
      bar.stepBy(steps);
    }
  }

  void say(String message) {
    if (bar != null) {
      bar.setExtraMessage(message);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
