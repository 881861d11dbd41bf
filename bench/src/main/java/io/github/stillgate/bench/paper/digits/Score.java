package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.paper.digits.TestStream.Word;
import java.util.List;

/**
 * How well words were spotted.
 *
 * @param words that were spoken
 * @param hits of these, those that were spotted
 * @param falseAlarms spottings that belong to no word
 * @param frames of 10 ms
 */
record Score(int words, int hits, @JsonProperty("false_alarms") int falseAlarms, int frames) {
  private static final double FRAMES_A_MINUTE = 6000;

  /**
   * A digit that was spotted.
   *
   * @param frame when
   * @param digit which
   */
  record Spotting(int frame, int digit) {}

  /**
   * Which words were spotted. A word takes the first spotting of its digit, not taken before, from
   * its first frame to {@code tolerance} frames behind its last.
   */
  static boolean[] hits(List<Word> words, List<Spotting> spotted, int tolerance) {
    boolean[] found = new boolean[words.size()];
    boolean[] taken = new boolean[spotted.size()];
    int begin = 0;
    for (int w = 0; w < found.length; w++) {
      Word word = words.get(w);
      while (begin < taken.length && spotted.get(begin).frame() < word.first()) {
        begin++;
      }
      for (int at = begin;
          at < taken.length && spotted.get(at).frame() < word.last() + tolerance && !found[w];
          at++) {
        if (!taken[at] && spotted.get(at).digit() == word.digit()) {
          taken[at] = true;
          found[w] = true;
        }
      }
    }
    return found;
  }

  /** The score of one stream; every hit takes one spotting. */
  static Score of(boolean[] hits, int spotted, int frames) {
    int count = 0;
    for (boolean hit : hits) {
      count += hit ? 1 : 0;
    }
    return new Score(hits.length, count, spotted - count, frames);
  }

  /** The score of both streams. */
  Score plus(Score other) {
    return new Score(
        words + other.words,
        hits + other.hits,
        falseAlarms + other.falseAlarms,
        frames + other.frames);
  }

  /** Share of the words that were spotted. */
  @JsonProperty("accuracy")
  double accuracy() {
    return (double) hits / words;
  }

  /** Spottings that belong to no word, a minute. */
  @JsonProperty("false_alarms_a_minute")
  double falseAlarmsAMinute() {
    return falseAlarms / (frames / FRAMES_A_MINUTE);
  }
}
