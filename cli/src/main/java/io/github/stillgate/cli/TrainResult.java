package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.CharTrainer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a finished training wrote and how the network scores.
 *
 * @param model the file
 * @param updates updates made
 * @param validation bits per character of the validation part
 * @param test the same of the test part, or null if that is too short to tell anything
 * @param live share of live units in the validation part, one entry a recurrent layer
 */
record TrainResult(
    String model,
    int updates,
    @JsonProperty("validation_bits_per_char") double validation,
    @JsonProperty("test_bits_per_char") @Nullable Double test,
    @JsonProperty("live_fraction") float[] live) {
  private static final int FEWEST_TEST_CHARS = 10_000;

  static TrainResult of(CharTrainer trainer, CharCorpus corpus, Path model) {
    CharTrainer.Score validation = trainer.evaluate(corpus.validation());
    Double test =
        corpus.test().length > FEWEST_TEST_CHARS
            ? trainer.evaluate(corpus.test()).bitsPerChar()
            : null;
    return new TrainResult(
        model.toString(), trainer.updates(), validation.bitsPerChar(), test, validation.live());
  }

  void print(Output output, boolean json) {
    if (json) {
      output.json(this);
      return;
    }
    output.line("wrote %s after %d updates", model, updates);
    output.line("validation %.4f bits per character", validation);
    if (test != null) {
      output.line("test       %.4f bits per character", test);
    }
    double[] fractions = new double[live.length];
    for (int i = 0; i < fractions.length; i++) {
      fractions[i] = live[i];
    }
    output.line("live units %s", Output.percents(fractions));
  }
}
