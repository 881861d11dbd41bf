package io.github.stillgate.core.json;

/** What is wrong with a JSON text, in words that fit behind "cannot be read as JSON: ". */
public final class JsonProblem extends Exception {
  private static final long serialVersionUID = 1L;

  JsonProblem(String message) {
    super(message);
  }
}
