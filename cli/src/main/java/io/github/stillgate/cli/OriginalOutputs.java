package io.github.stillgate.cli;

import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.ProofFailedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Inputs and outputs of the original that {@code convert} replays: those that the file read carries
 * and those of {@code --verify}, each within its own tolerance.
 */
final class OriginalOutputs {
  private record Part(ProofVectors vectors, double tolerance, String where) {}

  private final List<Part> parts = new ArrayList<>();

  /** Adds what the file carries. */
  void carried(ProofVectors vectors, double tolerance) {
    parts.add(new Part(vectors, tolerance, "in the proof that the file carries, "));
  }

  /** Adds what the user names. */
  void given(ProofVectors vectors, double tolerance) {
    parts.add(new Part(vectors, tolerance, ""));
  }

  /** Whether there is nothing to replay. */
  boolean isEmpty() {
    return parts.isEmpty();
  }

  /** The larger tolerance: what a file that has all cases can claim of them. */
  double tolerance() {
    return parts.stream().mapToDouble(Part::tolerance).max().orElseThrow();
  }

  /**
   * Replays all.
   *
   * @return the largest error
   * @throws ProofFailedException if an error is above its part's tolerance
   */
  double replay(Plan plan) {
    double worst = 0;
    for (Part part : parts) {
      try {
        worst = Math.max(worst, Proof.replay(plan, part.vectors, part.tolerance));
      } catch (ProofFailedException e) {
        throw part.where.isEmpty() ? e : new ProofFailedException(part.where + e.getMessage());
      }
    }
    return worst;
  }

  /** All cases: one that is there twice once, and others of one name under names of their own. */
  ProofVectors together() {
    List<ProofVectors.Case> cases = new ArrayList<>();
    for (Part part : parts) {
      for (ProofVectors.Case one : part.vectors.cases()) {
        if (cases.stream().noneMatch(other -> isSame(one, other))) {
          cases.add(renamed(one, cases));
        }
      }
    }
    return new ProofVectors(cases);
  }

  private static boolean isSame(ProofVectors.Case one, ProofVectors.Case other) {
    Optional<int[]> tokens = other.tokens();
    return one.tokens()
            .map(read -> tokens.isPresent() && Arrays.equals(read, tokens.get()))
            .orElse(tokens.isEmpty())
        && Arrays.deepEquals(one.input(), other.input())
        && Arrays.deepEquals(one.output(), other.output());
  }

  private static ProofVectors.Case renamed(ProofVectors.Case one, List<ProofVectors.Case> others) {
    Set<String> taken = others.stream().map(ProofVectors.Case::name).collect(Collectors.toSet());
    String name = one.name();
    for (int number = 2; taken.contains(name); number++) {
      name = one.name() + "-" + number;
    }
    return new ProofVectors.Case(name, one.tokens(), one.input(), one.output());
  }
}
