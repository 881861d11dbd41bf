package io.github.stillgate.cli;

import io.github.stillgate.core.model.Vocabulary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads a text as the tokens of a vocabulary, a piece at a time, so that neither the size of a file
 * nor its end matters.
 *
 * <p>A character that the vocabulary lacks becomes its lower case if that is known, else the space,
 * else token 0, and is counted as mapped. Bytes that are no UTF-8 are one such character each. What
 * is no text is refused: a character U+0000, or a beginning that is mostly unknown.
 *
 * <p>Not safe for several threads.
 */
final class TokenReader implements AutoCloseable {
  private static final int PIECE = 1 << 16;

  /** A beginning shorter than this says nothing about the rest. */
  private static final int FEWEST_JUDGED = 64;

  private static final double MOST_UNKNOWN = 0.5;
  private static final double MOST_MALFORMED = 0.1;

  private final String name;
  private final Vocabulary vocabulary;
  private final long limit;
  private final boolean judging;
  private final InputStream in;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final ByteBuffer bytes = ByteBuffer.allocate(PIECE).flip();
  private final CharBuffer characters = CharBuffer.allocate(PIECE);
  private final int[] tokens = new int[PIECE];
  private int at;
  private int filled;
  private boolean ended;
  private long decoded;
  private long mapped;
  private long unknown;
  private long malformed;

  private TokenReader(
      String name, InputStream in, Vocabulary vocabulary, long limit, boolean judging) {
    this.name = name;
    this.in = in;
    this.vocabulary = vocabulary;
    this.limit = limit;
    this.judging = judging;
  }

  /**
   * Begins to read a file. Its first 64 Ki characters are looked at, never more than {@code limit}.
   *
   * @param limit characters to read at most
   * @param anyText whether a text is taken whose characters are mostly unknown
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if it is no text, or shorter than two characters
   */
  static TokenReader open(Path file, Vocabulary vocabulary, long limit, boolean anyText)
      throws IOException {
    InputFile.requireText(file, limit < Long.MAX_VALUE);
    TokenReader reader =
        new TokenReader(file.toString(), Files.newInputStream(file), vocabulary, limit, !anyText);
    try {
      reader.fill();
      if (reader.filled < 2) {
        throw new IllegalArgumentException(
            file + ": at least two characters are needed, one to read and one to predict");
      }
      return reader;
    } catch (Throwable failure) {
      reader.close();
      throw failure;
    }
  }

  /** Reads a text of our own. */
  static TokenReader of(String text, Vocabulary vocabulary) {
    return new TokenReader(
        "the text",
        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
        vocabulary,
        Long.MAX_VALUE,
        false);
  }

  /** The next token, or -1 at the end or the limit. */
  int next() throws IOException {
    if (at == filled) {
      fill();
    }
    return at == filled ? -1 : tokens[at++];
  }

  /**
   * All tokens from here on.
   *
   * @throws IllegalArgumentException if an array cannot hold them
   */
  int[] rest() throws IOException {
    int[] all = new int[PIECE];
    int count = 0;
    for (int token = next(); token >= 0; token = next()) {
      if (count == all.length) {
        if (count > Integer.MAX_VALUE / 4) {
          throw new IllegalArgumentException(
              "%s: holds more than %s characters, too many to keep; cut it into parts"
                  .formatted(name, count));
        }
        all = Arrays.copyOf(all, 2 * count);
      }
      all[count++] = token;
    }
    return Arrays.copyOf(all, count);
  }

  /** Characters so far that the vocabulary lacked. */
  long mapped() {
    return mapped;
  }

  /** Pieces so far that were no valid UTF-8; each is also a mapped character. */
  long malformed() {
    return malformed;
  }

  private void fill() throws IOException {
    boolean first = decoded == 0;
    at = 0;
    filled = 0;
    while (filled == 0 && !ended && decoded < limit) {
      decode();
    }
    if (first && judging && decoded >= FEWEST_JUDGED) {
      judge();
    }
  }

  /** One piece, as long as the buffers and the limit allow. */
  private void decode() throws IOException {
    characters.clear();
    boolean full = false;
    while (!full && !ended) {
      CoderResult result = decoder.decode(bytes, characters, false);
      full = result.isOverflow() || !characters.hasRemaining();
      if (!full && result.isError()) {
        replace(result.length());
      } else if (!full && characters.position() >= limit - decoded) {
        full = true;
      } else if (!full) {
        ended = !read();
      }
    }
    // Once all is read, only the beginning of a character can be left.
    if (ended && bytes.hasRemaining()) {
      replace(bytes.remaining());
    }
    map(characters.flip());
  }

  private void replace(int invalid) {
    bytes.position(bytes.position() + invalid);
    characters.put('\uFFFD');
    malformed++;
  }

  /** Whether there was more; never asks for more bytes than the limit could need. */
  private boolean read() throws IOException {
    bytes.compact();
    long wanted = Math.min(bytes.remaining(), limit - decoded);
    int count = in.read(bytes.array(), bytes.position(), (int) Math.max(1, wanted));
    if (count > 0) {
      bytes.position(bytes.position() + count);
    }
    bytes.flip();
    return count >= 0;
  }

  private void map(CharBuffer text) {
    int other = Math.max(0, vocabulary.token(' '));
    for (int i = 0; i < text.length() && decoded < limit; ) {
      int codePoint = Character.codePointAt(text, i);
      i += Character.charCount(codePoint);
      int token = vocabulary.token(codePoint);
      if (token < 0 && codePoint == 0) {
        throw new IllegalArgumentException(
            ("%s: is no text, it holds a zero byte after %s characters; TEXT is a UTF-8 text"
                    + " (UTF-16 becomes one with iconv -f UTF-16 -t UTF-8)")
                .formatted(name, decoded));
      }
      if (token < 0) {
        mapped++;
        token = vocabulary.token(Character.toLowerCase(codePoint));
        unknown += token < 0 && !Character.isWhitespace(codePoint) ? 1 : 0;
      }
      tokens[filled++] = token < 0 ? other : token;
      decoded++;
    }
  }

  private void judge() {
    if (unknown > MOST_UNKNOWN * decoded || malformed > MOST_MALFORMED * decoded) {
      throw new IllegalArgumentException(
          ("%s: of its first %s characters the model knows only %s, and %s are no valid UTF-8; give a"
                  + " text in the model's alphabet, which stillgate inspect shows (stillgate run reads"
                  + " any with --any-text)")
              .formatted(name, decoded, decoded - unknown, malformed));
    }
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
