package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.bench.paper.Trainings;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.training.CharCorpus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Scores the character models that are trained. */
final class CharacterRuns {
  private CharacterRuns() {}

  /**
   * The table.
   *
   * @param characters of the test text that each is scored on
   */
  static SruResults.Characters score(
      List<CharacterNetwork> networks,
      Trainings trainings,
      CharCorpus corpus,
      int characters,
      SruResults.Origin origin)
      throws IOException {
    List<SruResults.CharacterRow> rows = new ArrayList<>();
    for (CharacterNetwork network : networks) {
      Model model = Model.load(trainings.model(network));
      rows.add(
          new SruResults.CharacterRow(
              network.label(),
              CharacterNetwork.parameters(model),
              network.recipe().schedule().updates(),
              trainings.curve(network).points().stream()
                  .map(point ->
                      new SruResults.CharacterPoint(
                          point.update(), point.training(), point.validation()))
                  .toList(),
              bits(model, corpus.test(), characters)));
    }
    return new SruResults.Characters(origin, characters, rows);
  }

  /** Bits per character of the first {@code characters} of a text, one stream from zero. */
  private static double bits(Model model, byte[] text, int characters) {
    int read = Math.min(characters, text.length);
    float[] out = new float[model.outputs()];
    double nats = 0;
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      for (int i = 0; i + 1 < read; i++) {
        session.step(text[i], out);
        nats -= Math.log(out[text[i + 1]]);
      }
    }
    return nats / Math.log(2) / (read - 1);
  }
}
