package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What a sweep feeds a network: sequences, each from state zero.
 *
 * @param sequences one or more
 * @param predictsText whether the network's outputs are the probabilities of the next token
 */
record TuneData(List<Sequence> sequences, boolean predictsText) {
  /**
   * One sequence.
   *
   * @param tokens the tokens read, or empty if vectors are
   * @param vectors the vectors read, one a step; empty if tokens are
   */
  record Sequence(Optional<int[]> tokens, float[][] vectors) {
    int steps() {
      return tokens.map(t -> t.length).orElse(vectors.length);
    }

    void step(Session session, int at, float[] out) {
      if (tokens.isPresent()) {
        session.step(tokens.get()[at], out);
      } else {
        session.step(vectors[at], out);
      }
    }

    private Sequence first(int steps) {
      return steps >= steps()
          ? this
          : new Sequence(
              tokens.map(t -> Arrays.copyOf(t, steps)),
              tokens.isPresent() ? vectors : Arrays.copyOf(vectors, steps));
    }
  }

  /**
   * Reads a text, or from a file whose name ends in {@code .safetensors} vectors or tokens.
   *
   * @param limit steps to take at most, over all sequences
   */
  static TuneData read(Path file, Model model, int limit) throws IOException {
    return file.toString().endsWith(".safetensors")
        ? vectors(file, model, limit)
        : text(file, model, limit);
  }

  private static TuneData text(Path file, Model model, int limit) throws IOException {
    Vocabulary vocabulary =
        model
            .vocabulary()
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "%s: the model has no vocabulary and cannot read text; give its inputs as"
                            .formatted(file)
                        + " tensors in a .safetensors file (see docs/skipping.md)"));
    try (TokenReader text = TokenReader.open(file, vocabulary, limit, false)) {
      return new TuneData(
          List.of(new Sequence(Optional.of(text.rest()), new float[0][])),
          model.outputs() == vocabulary.size());
    }
  }

  private static TuneData vectors(Path file, Model model, int limit) throws IOException {
    RegularFile.require(file);
    List<Sequence> sequences = new ArrayList<>();
    try (WeightsFile tensors = WeightsFile.open(file)) {
      int left = limit;
      for (ProofVectors.Case c : ProofVectors.read(tensors).cases()) {
        check(file, c, model);
        Sequence sequence = new Sequence(c.tokens(), c.input()).first(left);
        if (sequence.steps() > 0) {
          sequences.add(sequence);
        }
        left -= sequence.steps();
      }
    }
    return new TuneData(List.copyOf(sequences), false);
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

  /** Steps of all sequences. */
  int steps() {
    return sequences.stream().mapToInt(Sequence::steps).sum();
  }
}
