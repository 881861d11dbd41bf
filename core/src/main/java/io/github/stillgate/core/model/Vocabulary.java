package io.github.stillgate.core.model;

import java.util.HashMap;
import java.util.Map;

/**
 * The characters a network reads and predicts; a character's token is its position.
 *
 * <p>Immutable.
 */
public final class Vocabulary {
  private final String characters;
  private final Map<Integer, Integer> tokens = new HashMap<>();
  private final int[] codePoints;

  /**
   * The vocabulary of {@code characters}, one token per code point.
   *
   * @throws IllegalArgumentException if it is empty, a character occurs twice or is half of a
   *     surrogate pair
   */
  public Vocabulary(String characters) {
    this.characters = characters;
    this.codePoints = characters.codePoints().toArray();
    if (codePoints.length == 0) {
      throw new IllegalArgumentException("a vocabulary needs at least one character");
    }
    for (int token = 0; token < codePoints.length; token++) {
      if (Character.getType(codePoints[token]) == Character.SURROGATE) {
        throw new IllegalArgumentException(
            "vocabulary character %d is U+%x, half of a surrogate pair, which no file can hold"
                .formatted(token, codePoints[token]));
      }
      if (tokens.putIfAbsent(codePoints[token], token) != null) {
        throw new IllegalArgumentException(
            "character \"%s\" occurs twice in the vocabulary"
                .formatted(Character.toString(codePoints[token])));
      }
    }
  }

  /** Number of tokens. */
  public int size() {
    return codePoints.length;
  }

  /** The token of {@code codePoint}, or -1 if it has none. */
  public int token(int codePoint) {
    return tokens.getOrDefault(codePoint, -1);
  }

  /** The code point of {@code token}. */
  public int codePoint(int token) {
    return codePoints[token];
  }

  /** All characters in token order. */
  public String characters() {
    return characters;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Vocabulary v && characters.equals(v.characters);
  }

  @Override
  public int hashCode() {
    return characters.hashCode();
  }

  @Override
  public String toString() {
    return "\"" + characters + "\"";
  }
}
