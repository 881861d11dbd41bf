package io.github.stillgate.training;

import java.util.Locale;

/** Reads one text as several parallel streams, a window of steps at a time, wrapping at the end. */
final class Streams {
  private final byte[] tokens;
  private final int streams;
  private final int steps;
  private final int streamLength;

  Streams(byte[] tokens, int streams, int steps) {
    this.tokens = tokens;
    this.streams = streams;
    this.steps = steps;
    this.streamLength = (tokens.length - 1) / streams / steps * steps;
    if (streamLength == 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d characters are too few for %d streams of %d steps",
              tokens.length,
              streams,
              steps));
    }
  }

  /** Windows in one pass over the text. */
  int windows() {
    return streamLength / steps;
  }

  /** Inputs of a window, time-major: entry {@code t * streams + stream}. */
  int[] inputs(int window) {
    return at(window, 0);
  }

  /** Targets of a window: each input's next character. */
  int[] targets(int window) {
    return at(window, 1);
  }

  private int[] at(int window, int shift) {
    int first = Math.floorMod(window, windows()) * steps + shift;
    int[] out = new int[steps * streams];
    for (int t = 0; t < steps; t++) {
      for (int s = 0; s < streams; s++) {
        out[t * streams + s] = tokens[s * streamLength + first + t];
      }
    }
    return out;
  }
}
