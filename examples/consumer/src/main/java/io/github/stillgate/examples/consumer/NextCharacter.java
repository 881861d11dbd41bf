package io.github.stillgate.examples.consumer;

import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.io.IOException;
import java.nio.file.Path;

/** Reads a short text with a character model and prints what it expects after each character. */
public final class NextCharacter {
  private static final String TEXT = "a gate that stands stil";

  private NextCharacter() {}

  /**
   * Runs the program.
   *
   * @param args one element, the path of a weights file whose network reads and predicts characters
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      System.err.println("usage: NextCharacter MODEL");
      System.exit(2);
    }
    Model model = Model.load(Path.of(args[0]));
    Vocabulary vocabulary =
        model
            .vocabulary()
            .filter(v -> v.size() == model.outputs())
            .orElseThrow(() -> new IllegalArgumentException(args[0] + " is not a character model"));
    try (Plan plan = Plan.compile(model)) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        read(session, vocabulary);
      }
    }
    for (Backends.Entry entry : Backends.report()) {
      System.out.printf(
          "found    %s: %s%n",
          entry.name(),
          entry
              .tier()
              .map(tier -> "usable, " + tier)
              .orElseGet(() -> "unusable, %s; %s".formatted(entry.reason(), entry.cure())));
    }
  }

  private static void read(Session session, Vocabulary vocabulary) {
    float[] probabilities = new float[vocabulary.size()];
    StringBuilder expected = new StringBuilder();
    for (int character : TEXT.codePoints().toArray()) {
      int token = vocabulary.token(character);
      if (token < 0) {
        throw new IllegalArgumentException(
            "the vocabulary %s lacks \"%s\"".formatted(vocabulary, Character.toString(character)));
      }
      session.step(token, probabilities);
      expected.appendCodePoint(vocabulary.codePoint(likeliest(probabilities)));
    }
    Plan plan = session.plan();
    System.out.printf("backend  %s, %s%n", plan.backend(), plan.tier());
    System.out.printf("reads    \"%s\"%n", TEXT);
    System.out.printf("expects  \"%s\"%n", expected);
    int last = expected.codePointBefore(expected.length());
    System.out.printf("next     \"%s\"%n", Character.toString(last));
    StepStats stats = session.stats();
    for (int layer = 0; layer < stats.layers(); layer++) {
      if (stats.units(layer) > 0) {
        System.out.printf(
            "live     %d of %d units of layer %d in the last step%n",
            stats.liveUnits(layer), stats.units(layer), layer);
      }
    }
  }

  private static int likeliest(float[] probabilities) {
    int best = 0;
    for (int token = 1; token < probabilities.length; token++) {
      if (probabilities[token] > probabilities[best]) {
        best = token;
      }
    }
    return best;
  }
}
