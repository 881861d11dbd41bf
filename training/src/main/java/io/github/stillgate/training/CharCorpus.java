package io.github.stillgate.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A text of the 27 characters {@code ' ', 'a' .. 'z'} as token numbers, cut into training,
 * validation and test parts.
 *
 * @param train the first part
 * @param validation the next part
 * @param test the rest
 */
public record CharCorpus(byte[] train, byte[] validation, byte[] test) {
  /** Token 0 is the space, tokens 1 to 26 the letters. */
  public static final String VOCABULARY = " abcdefghijklmnopqrstuvwxyz";

  /**
   * Reads {@code text}; its first {@code trainChars} characters train, the next {@code
   * validationChars} validate, the rest is for tests.
   *
   * @throws IllegalArgumentException if the text is too short or holds another character
   */
  public static CharCorpus read(Path text, int trainChars, int validationChars) throws IOException {
    byte[] tokens = Files.readAllBytes(text);
    if (tokens.length < (long) trainChars + validationChars) {
      throw new IllegalArgumentException(
          "%s holds %d characters; %d for training and %d for validation were asked for"
              .formatted(text, tokens.length, trainChars, validationChars));
    }
    for (int i = 0; i < tokens.length; i++) {
      int token = VOCABULARY.indexOf(tokens[i]);
      if (token < 0) {
        throw new IllegalArgumentException(
            "%s holds byte %d at offset %d; a corpus is made of a-z and space only"
                .formatted(text, tokens[i], i));
      }
      tokens[i] = (byte) token;
    }
    int validationAt = trainChars;
    int testAt = trainChars + validationChars;
    return new CharCorpus(
        Arrays.copyOf(tokens, validationAt),
        Arrays.copyOfRange(tokens, validationAt, testAt),
        Arrays.copyOfRange(tokens, testAt, tokens.length));
  }
}
