package io.github.stillgate.bench.step;

import java.util.function.Supplier;

/**
 * One way to step a network.
 *
 * @param id runtime, format of the weights, and the variant where there is one, with slashes
 *     between them
 * @param tolerance how far an output may be from the reference's: rounding in another order and
 *     other polynomials, or what the format of the weights explains
 * @param contender opens it; throws {@link AbsentException} where something is missing
 * @param reference opens the same network with float32 weights in one of our backends
 * @param feed opens what comes in
 */
public record Row(
    String id,
    double tolerance,
    Supplier<Contender> contender,
    Supplier<Contender> reference,
    Supplier<Feed> feed) {
  private static final int CHECKED_STEPS = 50;

  /**
   * Whether {@code words} names this row: the id, or its beginning up to a slash.
   *
   * @param words for example {@code native/i8} or {@code onnxruntime}
   */
  public boolean isIn(String words) {
    return (id + "/").startsWith(words + "/");
  }

  /**
   * Holds the outputs of the first steps against the reference's.
   *
   * @param outputs how many there are
   * @throws IllegalStateException at the first that is off
   */
  void check(Contender contender, int outputs) {
    float[] out = new float[outputs];
    float[] expected = new float[outputs];
    Feed feed = this.feed.get();
    try (Contender right = reference.get()) {
      for (int step = 0; step < CHECKED_STEPS; step++) {
        feed.advance();
        contender.step(feed, out);
        right.step(feed, expected);
        for (int i = 0; i < outputs; i++) {
          if (!(Math.abs(out[i] - expected[i]) <= tolerance)) {
            throw new IllegalStateException(
                "%s: output %d of step %d is %s, with float32 weights %s"
                    .formatted(id, i, step, out[i], expected[i]));
          }
        }
      }
    }
  }
}
