package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpeechSegmentsTest {
  private record Segment(long start, long end) {}

  /** Silero's get_speech_timestamps over a whole recording, line by line. */
  private static List<Segment> offline(
      float[] probabilities, int window, SpeechSegments.Rules rules, long length) {
    List<long[]> speeches = new ArrayList<>();
    boolean triggered = false;
    long[] current = null;
    long quiet = 0;
    for (int i = 0; i < probabilities.length; i++) {
      float p = probabilities[i];
      long at = (long) window * i;
      if (p >= rules.threshold() && quiet != 0) {
        quiet = 0;
      }
      if (p >= rules.threshold() && !triggered) {
        triggered = true;
        current = new long[] {at, 0};
        continue;
      }
      if (p < rules.lower() && triggered) {
        if (quiet == 0) {
          quiet = at;
        }
        if (at - quiet < rules.shortestSilence()) {
          continue;
        }
        current[1] = quiet;
        if (current[1] - current[0] > rules.shortestSpeech()) {
          speeches.add(current);
        }
        current = null;
        triggered = false;
        quiet = 0;
      }
    }
    if (current != null && length - current[0] > rules.shortestSpeech()) {
      current[1] = length;
      speeches.add(current);
    }
    long pad = rules.padding();
    for (int i = 0; i < speeches.size(); i++) {
      long[] speech = speeches.get(i);
      if (i == 0) {
        speech[0] = Math.max(0, speech[0] - pad);
      }
      if (i == speeches.size() - 1) {
        speech[1] = Math.min(length, speech[1] + pad);
        continue;
      }
      long[] next = speeches.get(i + 1);
      long silence = next[0] - speech[1];
      if (silence < 2 * pad) {
        speech[1] += silence / 2;
        next[0] = Math.max(0, next[0] - silence / 2);
      } else {
        speech[1] = Math.min(length, speech[1] + pad);
        next[0] = Math.max(0, next[0] - pad);
      }
    }
    return speeches.stream().map(speech -> new Segment(speech[0], speech[1])).toList();
  }

  @Test
  void segmentsAreThoseOfTheWholeRecording() {
    Random random = new Random(1);
    int segments = 0;
    for (int round = 0; round < 20_000; round++) {
      double threshold = random.nextDouble(0.3, 0.8);
      SpeechSegments.Rules rules =
          new SpeechSegments.Rules(
              threshold,
              threshold - random.nextDouble(0, 0.2),
              random.nextInt(3000),
              random.nextInt(3000),
              random.nextInt(2000));
      float[] probabilities = new float[random.nextInt(1, 60)];
      float p = 0;
      for (int i = 0; i < probabilities.length; i++) {
        p = random.nextInt(3) == 0 ? random.nextFloat() : p;
        probabilities[i] = p;
      }
      long length = 512L * probabilities.length - random.nextInt(512);
      List<Segment> told = new ArrayList<>();
      SpeechSegments online =
          new SpeechSegments(rules, 512, (start, end) -> told.add(new Segment(start, end)));
      for (float probability : probabilities) {
        online.add(probability);
      }
      online.finish(length);
      assertThat(told)
          .as("round %d, %s, %d samples", round, rules, length)
          .isEqualTo(offline(probabilities, 512, rules, length));
      segments += told.size();
    }
    assertThat(segments).isGreaterThan(20_000);
  }

  /** Silence of twice the padding settles where a segment ends: it is told then, not at the end. */
  @Test
  void aSegmentIsToldAsSoonAsItsEndIsSettled() {
    List<Segment> told = new ArrayList<>();
    SpeechSegments online =
        new SpeechSegments(
            new SpeechSegments.Rules(0.5, 0.35, 4000, 1600, 480),
            512,
            (start, end) -> told.add(new Segment(start, end)));
    for (int i = 0; i < 10; i++) {
      online.add(0.9f);
    }
    for (int i = 0; i < 4; i++) {
      assertThat(told).isEmpty();
      online.add(0.1f);
    }
    assertThat(told).isEmpty();
    online.add(0.1f);
    assertThat(told).containsExactly(new Segment(0, 5120 + 480));
  }
}
