package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.nio.file.Path;

/**
 * What a character model scores on a text.
 *
 * @param characters characters read
 * @param bitsPerChar mean of -log2 p(next character) over all characters but the first
 * @param clamped values beyond the int8 scale of their operand
 */
record TextScore(long characters, double bitsPerChar, long clamped) {
  /**
   * Streams a text.
   *
   * @param limit characters to read at most
   * @throws IllegalArgumentException if the model is no character model
   */
  static TextScore of(Plan plan, Path text, int limit) throws IOException {
    Model model = plan.model();
    Vocabulary vocabulary =
        model
            .vocabulary()
            .filter(v -> v.size() == model.outputs())
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "--text %s: the network is no character model, so no text scores it"
                        .formatted(text)));
    float[] out = new float[model.outputs()];
    double nats = 0;
    long read = 0;
    try (TokenReader tokens = TokenReader.open(text, vocabulary, limit, false);
        Session session = Session.open(plan)) {
      for (int token = tokens.next(); token >= 0; read++) {
        session.step(token, out);
        token = tokens.next();
        nats -= token >= 0 ? Math.log(out[token]) : 0;
      }
      long clamped = 0;
      for (int layer = 0; layer < session.stats().layers(); layer++) {
        clamped += session.stats().clamped(layer);
      }
      return new TextScore(read, nats / Math.log(2) / (read - 1), clamped);
    }
  }
}
