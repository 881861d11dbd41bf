package io.github.stillgate.cli;

import io.github.stillgate.core.model.Vocabulary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A text as the tokens of a vocabulary.
 *
 * @param tokens one a character
 * @param mapped characters that the vocabulary lacks: its lower case was taken if that is known,
 *     else the space, else token 0
 */
record TokenText(int[] tokens, int mapped) {
  static TokenText read(Path file, Vocabulary vocabulary, int limit) throws IOException {
    TokenText text =
        of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8), vocabulary, limit);
    if (text.tokens.length < 2) {
      throw new IllegalArgumentException(
          "%s: at least two characters are needed, one to read and one to predict".formatted(file));
    }
    return text;
  }

  static TokenText of(String text, Vocabulary vocabulary, int limit) {
    int other = Math.max(0, vocabulary.token(' '));
    int[] tokens = new int[Math.min(limit, text.length())];
    int count = 0;
    int mapped = 0;
    for (int at = 0; at < text.length() && count < limit; ) {
      int codePoint = text.codePointAt(at);
      at += Character.charCount(codePoint);
      int token = vocabulary.token(codePoint);
      if (token < 0) {
        mapped++;
        token = vocabulary.token(Character.toLowerCase(codePoint));
      }
      tokens[count++] = token < 0 ? other : token;
    }
    return new TokenText(Arrays.copyOf(tokens, count), mapped);
  }
}
