package io.github.stillgate.bench.paper;

import io.github.stillgate.training.Recipe;

/** One network that is trained for a table or a plot. */
public interface Training {
  /** File name of what is kept of it. */
  String name();

  /** What readers see. */
  String label();

  /** How it is trained. */
  Recipe recipe();
}
