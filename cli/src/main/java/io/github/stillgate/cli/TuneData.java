package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Reads what {@code tune} runs a network on. */
final class TuneData {
  private TuneData() {}

  /**
   * Reads a text, or from a file whose name ends in {@code .safetensors} vectors or tokens.
   *
   * @param limit steps to take at most, over all sequences
   */
  static TuningData read(Path file, Model model, int limit) throws IOException {
    return isText(file) ? text(file, model, limit) : vectors(file, model, limit);
  }

  /** Whether a file's name says that it is no file of tensors. */
  static boolean isText(Path file) {
    return !file.toString().endsWith(".safetensors");
  }

  private static TuningData text(Path file, Model model, int limit) throws IOException {
    InputFile.requireText(file, true);
    Vocabulary vocabulary =
        model
            .vocabulary()
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "%s: the model has no vocabulary and cannot read text; give its inputs as"
                            .formatted(file)
                        + " tensors in a .safetensors file (see docs/skipping.md)"));
    try (TokenReader text = TokenReader.open(file, vocabulary, limit, false)) {
      return new TuningData(
          List.of(new TuningData.Tokens(text.rest())), model.outputs() == vocabulary.size());
    }
  }

  private static TuningData vectors(Path file, Model model, int limit) throws IOException {
    RegularFile.require(file);
    try (WeightsFile tensors = WeightsFile.open(file)) {
      ProofVectors vectors = ProofVectors.read(tensors);
      for (ProofVectors.Case c : vectors.cases()) {
        check(file, c, model);
      }
      return TuningData.of(vectors).first(limit);
    }
  }

  private static void check(Path file, ProofVectors.Case c, Model model) {
    if (c.tokens().isPresent()) {
      if (!model.readsTokens()) {
        throw new IllegalArgumentException(
            "%s: case %s holds tokens, but the model reads vectors of %s values"
                .formatted(file, c.name(), model.inputs()));
      }
    } else if (c.input()[0].length != model.inputs()) {
      throw new IllegalArgumentException(
          "%s: case %s holds vectors of %s values, but the model reads %s"
              .formatted(file, c.name(), c.input()[0].length, model.inputs()));
    }
  }
}
