package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.training.Recipe;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
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

  @Test
  void whatDoesNotFitIsRefusedByName() {
    assertThatThrownBy(() -> recipe("--population", "7")).hasMessageContaining("population");
    assertThatThrownBy(() -> recipe("--population", "-1")).hasMessageContaining("population");
    assertThatThrownBy(() -> recipe("--dense", "--population", "1"))
        .hasMessageContaining("--dense")
        .hasMessageContaining("--population");
    assertThatThrownBy(() -> recipe("--recipe", "paper", "--live", "0.3"))
        .hasMessageContaining("--live has no meaning for --recipe paper");
  }
}
