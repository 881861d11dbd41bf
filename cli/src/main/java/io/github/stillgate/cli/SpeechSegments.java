package io.github.stillgate.cli;

/**
 * Segments of speech from probabilities, told as they end: what Silero's get_speech_timestamps
 * makes of a whole recording, with as little delay as its rules allow.
 *
 * <p>A segment begins with the first chunk at the threshold or above, and ends where chunks fell
 * below the lower threshold and none at the upper one came for the shortest silence. Segments that
 * are no longer than the shortest speech are dropped; the others are widened by the padding, or to
 * the middle of the silence between two of them where it is less than twice that. So a segment is
 * told when the next one begins, or when the silence behind it is longer than that.
 *
 * @see <a href="https://github.com/snakers4/silero-vad">src/silero_vad/utils_vad.py</a>
 */
final class SpeechSegments {
  /**
   * When speech begins and ends; Silero's defaults are 0.5, 0.15 below it but at least 0.01, 250,
   * 100 and 30 ms.
   *
   * @param threshold probability from which on there is speech
   * @param lower probability below which there is none any more
   * @param shortestSpeech samples that a segment has more than
   * @param shortestSilence samples of silence that end a segment
   * @param padding samples before and after
   */
  record Rules(
      double threshold, double lower, long shortestSpeech, long shortestSilence, long padding) {}

  /** Hears of a segment. */
  @FunctionalInterface
  interface Listener {
    /** A segment from sample {@code start} to sample {@code end}, exclusive. */
    void segment(long start, long end);
  }

  private static final long NONE = -1;

  private final Rules rules;
  private final int chunk;
  private final Listener listener;
  private long at;
  private long start = NONE;
  private long quietSince = NONE;

  /** A segment whose end is not settled: what follows may be nearer than twice the padding. */
  private long heldStart = NONE;

  private long heldEnd;

  /** Chunks of {@code chunk} samples. */
  SpeechSegments(Rules rules, int chunk, Listener listener) {
    this.rules = rules;
    this.chunk = chunk;
    this.listener = listener;
  }

  /** Takes the next chunk's probability. */
  void add(float probability) {
    long now = at;
    at += chunk;
    if (probability >= rules.threshold()) {
      quietSince = NONE;
      if (start == NONE) {
        start = now;
      }
    } else if (probability < rules.lower() && start != NONE) {
      if (quietSince == NONE) {
        quietSince = now;
      }
      if (now - quietSince >= rules.shortestSilence()) {
        end(quietSince);
      }
    }
    // Whatever begins later begins behind the padding of both, and the recording goes on so far.
    if (heldStart != NONE
        && start == NONE
        && at - heldEnd >= 2 * rules.padding()
        && now >= heldEnd + rules.padding()) {
      tell(heldEnd + rules.padding());
    }
  }

  private void end(long end) {
    if (end - start > rules.shortestSpeech()) {
      long padded = Math.max(0, start - rules.padding());
      if (heldStart != NONE) {
        long silence = start - heldEnd;
        if (silence < 2 * rules.padding()) {
          tell(heldEnd + silence / 2);
          padded = Math.max(0, start - silence / 2);
        } else {
          tell(heldEnd + rules.padding());
        }
      }
      heldStart = padded;
      heldEnd = end;
    }
    start = NONE;
    quietSince = NONE;
  }

  private void tell(long end) {
    listener.segment(heldStart, end);
    heldStart = NONE;
  }

  /** Ends the recording, which had {@code samples} samples. */
  void finish(long samples) {
    if (start != NONE) {
      end(samples);
    }
    if (heldStart != NONE) {
      tell(Math.min(samples, heldEnd + rules.padding()));
    }
  }
}
