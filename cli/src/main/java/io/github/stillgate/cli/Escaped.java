package io.github.stillgate.cli;

/**
 * Text of others made safe to show: what a terminal would obey, or what changes the order of what
 * is read, appears as its Java escape.
 */
final class Escaped {
  private Escaped() {}

  /** One line: line ends and tabs are escaped too. */
  static String of(String text) {
    return escape(text, false);
  }

  /** Text whose line ends are ours. */
  static String lines(String text) {
    return escape(text, true);
  }

  private static String escape(String text, boolean keepLines) {
    StringBuilder shown = null;
    for (int at = 0; at < text.length(); ) {
      int codePoint = text.codePointAt(at);
      int next = at + Character.charCount(codePoint);
      boolean safe = !isUnsafe(codePoint) || keepLines && (codePoint == '\n' || codePoint == '\r');
      if (!safe && shown == null) {
        shown = new StringBuilder(text.length() + 16).append(text, 0, at);
      }
      if (shown != null) {
        if (safe) {
          shown.appendCodePoint(codePoint);
        } else {
          for (int unit = at; unit < next; unit++) {
            append(shown, text.charAt(unit));
          }
        }
      }
      at = next;
    }
    return shown == null ? text : shown.toString();
  }

  /**
   * Control and format characters (ESC, CSI, bidirectional overrides), line ends, lone surrogates.
   */
  private static boolean isUnsafe(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> false;
    };
  }

  private static void append(StringBuilder shown, char unit) {
    switch (unit) {
      case '\n' -> shown.append("\\n");
      case '\r' -> shown.append("\\r");
      case '\t' -> shown.append("\\t");
      default -> {
        shown.append("\\u");
        String hex = Integer.toHexString(unit);
        shown.append("0".repeat(4 - hex.length())).append(hex);
      }
    }
  }
}
