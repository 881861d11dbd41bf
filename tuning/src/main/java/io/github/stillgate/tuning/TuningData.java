package io.github.stillgate.tuning;

import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.session.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a network is tuned on: sequences, each read from the initial state, in order. Immutable, as
 * long as nobody changes the arrays it was made of, and safe for several threads.
 *
 * @param sequences one or more
 * @param predictsNext whether the network's outputs are the probabilities of the next token, by
 *     which runs are then scored
 */
public record TuningData(List<Sequence> sequences, boolean predictsNext) {
  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there is no step, or if a sequence of vectors is said to
   *     predict tokens
   */
  public TuningData {
    sequences = List.copyOf(sequences);
    if (sequences.stream().allMatch(sequence -> sequence.steps() == 0)) {
      throw new IllegalArgumentException("there is no step to tune on; at least one is needed");
    }
    if (predictsNext && !sequences.stream().allMatch(Tokens.class::isInstance)) {
      throw new IllegalArgumentException(
          "a sequence of vectors has no next token; only sequences of tokens can be predicted");
    }
  }

  /** What a stream reads from the initial state on, one token or one vector a step. */
  public sealed interface Sequence {
    /** How many steps it has. */
    int steps();

    /**
     * Makes one step of {@code session}.
     *
     * @param at which, from 0
     * @param out receives the outputs of that step
     * @throws IllegalArgumentException if the network does not read such inputs
     * @throws UnsupportedOperationException if it is a token and the network reads vectors
     */
    void step(Session session, int at, float[] out);

    /** The first {@code steps} steps, or all if there are not so many. */
    Sequence first(int steps);
  }

  /**
   * A sequence of tokens.
   *
   * @param tokens one a step; kept, not copied
   */
  public record Tokens(int[] tokens) implements Sequence {
    @Override
    public int steps() {
      return tokens.length;
    }

    @Override
    public void step(Session session, int at, float[] out) {
      session.step(tokens[at], out);
    }

    @Override
    public Tokens first(int steps) {
      return steps >= tokens.length ? this : new Tokens(Arrays.copyOf(tokens, steps));
    }
  }

  /**
   * A sequence of vectors.
   *
   * @param vectors one a step, each as wide as the network's input; kept, not copied
   */
  public record Vectors(float[][] vectors) implements Sequence {
    @Override
    public int steps() {
      return vectors.length;
    }

    @Override
    public void step(Session session, int at, float[] out) {
      session.step(vectors[at], out);
    }

    @Override
    public Vectors first(int steps) {
      return steps >= vectors.length ? this : new Vectors(Arrays.copyOf(vectors, steps));
    }
  }

  /** One sequence of tokens, each predicted by the outputs of the step before it. */
  public static TuningData predicted(int[] tokens) {
    return new TuningData(List.of(new Tokens(tokens)), true);
  }

  /** The inputs of a proof's cases; their outputs are not used. */
  public static TuningData of(ProofVectors vectors) {
    List<Sequence> sequences = new ArrayList<>();
    for (ProofVectors.Case c : vectors.cases()) {
      sequences.add(c.tokens().isPresent() ? new Tokens(c.tokens().get()) : new Vectors(c.input()));
    }
    return new TuningData(sequences, false);
  }

  /**
   * The first {@code steps} steps over all sequences; what is left of a sequence is cut off, and
   * the sequences after it are left out.
   *
   * @throws IllegalArgumentException if {@code steps} is below 1
   */
  public TuningData first(int steps) {
    List<Sequence> some = new ArrayList<>();
    int left = steps;
    for (Sequence sequence : sequences) {
      Sequence begin = sequence.first(Math.max(left, 0));
      if (begin.steps() > 0) {
        some.add(begin);
      }
      left -= begin.steps();
    }
    return new TuningData(some, predictsNext);
  }

  /** Steps of all sequences. */
  public int steps() {
    return sequences.stream().mapToInt(Sequence::steps).sum();
  }
}
