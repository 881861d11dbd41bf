package io.github.stillgate.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

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
    int[] found = new int[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      found[i] = VOCABULARY.indexOf(tokens[i]);
      if (found[i] < 0) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%s holds byte %d at offset %d; a corpus is made of a-z and space only",
                text,
                tokens[i],
                i));
      }
    }
    try {
      return cut(found, trainChars, validationChars);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(text + ": " + e.getMessage(), e);
    }
  }

  /**
   * Cuts a text whose tokens are known already.
   *
   * @param tokens each from 0 to 26
   * @throws IllegalArgumentException if the parts are longer than the text, or too short to predict
   *     in
   */
  public static CharCorpus cut(int[] tokens, int trainChars, int validationChars) {
    if (trainChars < 1
        || validationChars < 2
        || tokens.length < (long) trainChars + validationChars) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "holds %d characters; %d for training and %d for validation were asked for; give a longer"
                  + " text or other --train-chars and --validation-chars",
              tokens.length,
              trainChars,
              validationChars));
    }
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Objects.checkIndex(tokens[i], VOCABULARY.length());
    }
    int testAt = trainChars + validationChars;
    return new CharCorpus(
        Arrays.copyOf(bytes, trainChars),
        Arrays.copyOfRange(bytes, trainChars, testAt),
        Arrays.copyOfRange(bytes, testAt, bytes.length));
  }
}
