package io.github.stillgate.examples.g2p;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The letters the encoder reads and the phonemes the decoder says, by their tokens.
 *
 * @param graphemes letters; with {@code <unk>} for others and {@code </s>} for the end
 * @param phonemes ARPAbet; with {@code <s>} for the beginning and {@code </s>} for the end
 */
record Symbols(List<String> graphemes, List<String> phonemes) {
  private static final String UNKNOWN = "<unk>";
  private static final String BEGIN = "<s>";
  private static final String END = "</s>";

  /** Checks that what stands for the ends is there. */
  Symbols {
    graphemes = List.copyOf(graphemes);
    phonemes = List.copyOf(phonemes);
    if (!graphemes.containsAll(List.of(UNKNOWN, END))
        || !phonemes.containsAll(List.of(BEGIN, END))) {
      throw new IllegalArgumentException(
          "graphemes need %s and %s, phonemes %s and %s".formatted(UNKNOWN, END, BEGIN, END));
    }
  }

  /** Reads the arrays "graphemes" and "phonemes" of a JSON object. */
  static Symbols read(Path file) throws IOException {
    JsonNode root;
    try {
      root = JsonMapper.builder().build().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s: is not valid JSON, line %s, column %s"
              .formatted(file, e.getLocation().getLineNr(), e.getLocation().getColumnNr()),
          e);
    }
    return new Symbols(strings(root, "graphemes", file), strings(root, "phonemes", file));
  }

  private static List<String> strings(JsonNode root, String field, Path file) {
    if (!root.path(field).isArray()) {
      throw new IllegalArgumentException("%s: \"%s\" is not an array".formatted(file, field));
    }
    List<String> strings = new ArrayList<>();
    root.get(field).forEach(node -> strings.add(node.asText()));
    return strings;
  }

  /** The tokens of a word's letters, and the end. */
  int[] tokens(String word) {
    int[] letters = word.toLowerCase(Locale.ROOT).codePoints().toArray();
    int[] tokens = new int[letters.length + 1];
    for (int i = 0; i < letters.length; i++) {
      int token = graphemes.indexOf(Character.toString(letters[i]));
      tokens[i] = token < 0 ? graphemes.indexOf(UNKNOWN) : token;
    }
    tokens[letters.length] = graphemes.indexOf(END);
    return tokens;
  }

  int begin() {
    return phonemes.indexOf(BEGIN);
  }

  int end() {
    return phonemes.indexOf(END);
  }
}
