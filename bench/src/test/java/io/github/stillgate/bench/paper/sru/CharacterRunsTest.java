package io.github.stillgate.bench.paper.sru;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import io.github.stillgate.bench.paper.Trainings;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Recipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CharacterRunsTest {
  @TempDir private Path folder;

  /** The whole way from training to the written page, small. */
  @Test
  void modelsAreTrainedScoredAndWritten() throws Exception {
    assumeThat(hasPyTorch()).as("PyTorch's natives are here").isTrue();
    SplittableRandom random = new SplittableRandom(1);
    byte[] text = new byte[20_000];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) (i % 7 == 0 ? 0 : random.nextInt(3));
    }
    CharCorpus corpus = new CharCorpus(text, text, text);
    List<CharacterNetwork> networks = CharacterNetwork.grid(9, 3);
    Trainings trainings = new Trainings(folder, corpus, 6_000);
    assertThat(trainings.run(networks, () -> false)).isTrue();
    SruResults.Characters scored =
        CharacterRuns.score(
            networks,
            trainings,
            corpus,
            500,
            new SruResults.Origin("a machine", "2026-01-01", "a command"));
    assertThat(scored.rows()).hasSize(4);
    for (int i = 0; i < networks.size(); i++) {
      Recipe.Network network = networks.get(i).recipe().network();
      SruResults.CharacterRow row = scored.rows().get(i);
      assertThat(row.parameters())
          .as(row.label())
          .isEqualTo(
              CharacterNetwork.parameters(network.cell(), network.units(), network.layers()));
      assertThat(row.test()).as(row.label()).isBetween(1.0, 6.0);
      assertThat(row.points().getLast().update()).isEqualTo(3);
    }
    new SruReport(new SruResults(null, null, null, scored)).write(folder);
    assertThat(Files.readString(folder.resolve("sru.md")))
        .contains("| LSTM, 2 x 9 | 2286 | 3 |")
        .contains("![sru-characters](sru-characters.svg)");
  }

  private static boolean hasPyTorch() {
    try {
      Engine.getEngine("PyTorch");
      return true;
    } catch (EngineException | IllegalArgumentException absent) {
      return false;
    }
  }
}
