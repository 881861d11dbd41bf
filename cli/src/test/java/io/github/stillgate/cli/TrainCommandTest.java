package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Recipe;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** From options to recipes; what recipes do is tested where they are. */
class TrainCommandTest {
  private static Recipe recipe(String... options) {
    List<String> args = new ArrayList<>(List.of("--text", "t", "--out", "o", "--updates", "6"));
    args.addAll(List.of(options));
    TrainCharLmCommand command = new TrainCharLmCommand();
    new CommandLine(command).parseArgs(args.toArray(String[]::new));
    return command.recipe();
  }

  @ParameterizedTest
  @CsvSource({
    "'', 3, 3",
    "--recipe annealed, 3, 3",
    "--recipe learned, 3, 0",
    "--recipe batchnorm, 3, 0",
    "--recipe paper, 0, 0",
    "--recipe paper --population 2, 2, 0",
    "--recipe annealed --population 0 --anneal 4, 0, 4",
    "--dense, 0, 0"
  })
  void optionsSayWhenGatesCloseAndTurnToThePopulation(
      String options, int population, int annealing) {
    Recipe recipe = options.isEmpty() ? recipe() : recipe(options.split(" "));
    assertThat(recipe.schedule().population()).isEqualTo(population);
    assertThat(recipe.shift().annealing()).isEqualTo(annealing);
  }

  /** docs/skipping.md says it of README.md, and of any other text. */
  @Test
  void theDocumentedExampleReadsAText() throws Exception {
    Path home = Path.of(System.getProperty("stillgate.home"));
    String example =
        Files.readString(home.resolve("docs/skipping.md"))
            .lines()
            .filter(line -> line.strip().startsWith("./stillgate train char-lm"))
            .findFirst()
            .orElseThrow()
            .strip()
            .replace("book.txt", home.resolve("README.md").toString());
    StringWriter out = new StringWriter();
    TrainCharLmCommand command = new TrainCharLmCommand();
    CommandLine line = new CommandLine(command).setOut(new PrintWriter(out, true));
    String[] words = example.split(" ");
    line.parseArgs(Arrays.copyOfRange(words, 3, words.length));
    CharCorpus corpus = command.corpus();
    int length = Files.readString(home.resolve("README.md")).length();
    Recipe recipe = command.recipe();
    assertThat(corpus.train().length)
        .isBetween(length * 9 / 10 - 2, length * 9 / 10 + 2)
        .isGreaterThan(recipe.schedule().batch() * recipe.schedule().steps());
    assertThat(corpus.validation().length).isBetween(length / 25, length / 15);
    assertThat(corpus.train()[2]).isEqualTo((byte) CharCorpus.VOCABULARY.indexOf('s'));
    assertThat(out.toString()).contains("of them mapped to a-z and space").hasLineCount(1);
  }

  @Test
  void aTextThatIsTooShortSaysWhatToDo(@TempDir Path folder) throws Exception {
    Path text = Files.writeString(folder.resolve("t"), "short of words ".repeat(40));
    TrainCharLmCommand command = new TrainCharLmCommand();
    new CommandLine(command).parseArgs("--text", text.toString(), "--out", "o");
    assertThatThrownBy(command::corpus)
        .hasMessageContaining(text.toString())
        .hasMessageContaining("--batch");
    command = new TrainCharLmCommand();
    new CommandLine(command)
        .parseArgs("--text", text.toString(), "--out", "o", "--train-chars", "9000");
    assertThatThrownBy(command::corpus)
        .hasMessageContaining(text.toString())
        .hasMessageContaining("--train-chars");
  }

  @ParameterizedTest
  @CsvSource({
    "--cell conditional --gating block, BLOCK",
    "--cell gru, GRU",
    "--dense, GRU",
    "--dense --cell gru, GRU",
    "--cell lstm, LSTM",
    "--cell sru, SRU"
  })
  void aCellSaysWhatTheLayersAreMadeOf(String options, Recipe.Cell cell) {
    Recipe recipe = recipe(options.split(" "));
    assertThat(recipe.network().cell()).isEqualTo(cell);
    if (!cell.isConditional()) {
      assertThat(recipe.shift()).isEqualTo(Recipe.Shift.constant(0));
      assertThat(recipe.schedule().population()).isZero();
    }
  }

  @Test
  void aCellWithoutGatesHasNothingToCloseOrStartFrom() {
    assertThatThrownBy(() -> recipe("--cell", "sru", "--live", "0.3"))
        .hasMessageContaining("--cell sru has no gates")
        .hasMessageContaining("--live");
    assertThatThrownBy(() -> recipe("--cell", "sru", "--dense"))
        .hasMessageContaining("give one of --dense and --cell sru");
    TrainCharLmCommand command = new TrainCharLmCommand();
    new CommandLine(command)
        .parseArgs("--text", "t", "--out", "o", "--cell", "sru", "--init", "gru.safetensors");
    assertThatThrownBy(command::call)
        .hasMessageContaining("--init")
        .hasMessageContaining("--cell sru");
  }

  @Test
  void whatDoesNotFitIsRefusedByName() {
    assertThatThrownBy(() -> recipe("--population", "7")).hasMessageContaining("population");
    assertThatThrownBy(() -> recipe("--population", "-1")).hasMessageContaining("population");
    assertThatThrownBy(() -> recipe("--dense", "--population", "1"))
        .hasMessageContaining("--dense")
        .hasMessageContaining("--population");
    assertThat(recipe("--recipe", "batchnorm", "--shift", "-0.5").shift())
        .isEqualTo(Recipe.Shift.batchNorm(-0.5f));
    assertThatThrownBy(() -> recipe("--recipe", "batchnorm", "--anneal", "3"))
        .hasMessageContaining("--anneal has no meaning for --recipe batchnorm");
    assertThatThrownBy(() -> recipe("--recipe", "paper", "--live", "0.3"))
        .hasMessageContaining("--live has no meaning for --recipe paper");
  }
}
