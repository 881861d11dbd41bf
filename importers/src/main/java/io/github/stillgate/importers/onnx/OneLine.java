package io.github.stillgate.importers.onnx;

/** Text from files as one line that a terminal shows as it is. */
final class OneLine {
  /** Characters of a message. */
  private static final int LONGEST = 2_000;

  private OneLine() {}

  /**
   * {@code text} with characters that break lines, move the cursor or turn the direction of writing
   * escaped, and without its middle if it is longer than a message should be.
   */
  static String of(String text) {
    String shown = text;
    if (text.length() > LONGEST) {
      int half = LONGEST / 2;
      shown =
          text.substring(0, half)
              + " ... (%d characters) ... ".formatted(text.length() - 2 * half)
              + text.substring(text.length() - half);
    }
    StringBuilder line = new StringBuilder();
    shown
        .codePoints()
        .forEach(c -> {
          if (isPlain(c)) {
            line.appendCodePoint(c);
          } else {
            line.append("\\u{").append(Integer.toHexString(c)).append('}');
          }
        });
    return line.toString();
  }

  private static boolean isPlain(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
