package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.bench.paper.digits.Score.Spotting;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One network on one stream.
 *
 * @param score of the words
 * @param hits which words were spotted
 * @param speech what frames within words read and moved; null of an engine that does not count
 * @param silence the same of all other frames
 */
record Evaluation(
    Score score, boolean[] hits, @Nullable Traffic speech, @Nullable Traffic silence) {
  /** Runs all frames once, in order. The spotter's stream must be new. */
  static Evaluation of(Spotter spotter, TestStream stream, Decoder.Settings settings) {
    Decoder decoder = new Decoder(settings);
    Traffic.Meter meter = spotter instanceof OwnSpotter own ? new Traffic.Meter(own.stats()) : null;
    List<Spotting> spotted = new ArrayList<>();
    float[] probabilities = new float[Decoder.CLASSES];
    for (int t = 0; t < stream.frames().length; t++) {
      spotter.step(stream.frames()[t], probabilities);
      if (meter != null) {
        meter.record(stream.speech()[t]);
      }
      int digit = decoder.next(probabilities);
      if (digit != Decoder.NONE) {
        spotted.add(new Spotting(t, digit));
      }
    }
    boolean[] hits = Score.hits(stream.words(), spotted, stream.tolerance());
    return new Evaluation(
        Score.of(hits, spotted.size(), stream.frames().length),
        hits,
        meter == null ? null : meter.of(true),
        meter == null ? null : meter.of(false));
  }
}
